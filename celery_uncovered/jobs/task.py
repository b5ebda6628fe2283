"""The base class that makes every Celery task of a project a job.

``Celery(..., task_cls="celery_uncovered.jobs.task:JobTask")`` is all that a project says. Whatever
ends in ``apply_async`` (``delay``, group, chord, chain, beat, ``submit``) leaves a ledger row first.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore
from celery.result import AsyncResult
from django.db import transaction

from celery_uncovered.jobs import scope, sealing, sending, settle, submit
from celery_uncovered.jobs.blueprints import Blueprint, blueprint_of
from celery_uncovered.jobs.capture import CapturingProducer
from celery_uncovered.jobs.current import Successor, attempt_of
from celery_uncovered.jobs.errors import ArgumentsMismatchError, JobCancelledError
from celery_uncovered.jobs.ids import new_id
from celery_uncovered.jobs.inherited import take_scope, with_scope
from celery_uncovered.jobs.messages import Message
from celery_uncovered.jobs.task_log import recorder
from celery_uncovered.jobs.timing import Timing
from celery_uncovered.jobs.unique import key_from


class JobTask(Task):  # type: ignore[type-arg]  # the stubs make Task generic, Celery 5.7 does not
    """A Celery task whose submissions are jobs."""

    abstract = True
    Strategy = "celery_uncovered.jobs.worker.strategy:job_strategy"
    # A message is acknowledged when its job has ended, whatever the project's settings say: with the
    # worker, an earlier acknowledgement would lose it, or that of a child that died.
    acks_late = True
    reject_on_worker_lost = True
    # Also what runs in its caller leaves a row.
    store_eager_result = True

    is_job = True

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Called by Celery for each task: what the application sends by name is a job as well."""
        sending.watch(app)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        request: Any = self.request_stack.top
        # As Celery's own protection of the stack: only the tracer's call is the job's.
        if request is None or request.called_directly or request._protected:  # noqa: SLF001
            return super().__call__(*args, **kwargs)
        request._protected = 1  # noqa: SLF001
        attempt = attempt_of(request.id)
        if attempt is not None and attempt.obstacle is not None:
            raise attempt.obstacle
        if attempt is not None and attempt.is_sealed:
            args, kwargs = sealing.open_request(request, args, kwargs)
        value = self.run(*args, **kwargs)
        if attempt is not None:
            attempt.has_returned = True
        return value

    def apply_async(
        self,
        args: Any = None,
        kwargs: Any = None,
        task_id: str | None = None,
        producer: Any = None,
        link: Any = None,
        link_error: Any = None,
        shadow: str | None = None,
        **options: Any,
    ) -> AsyncResult[Any]:
        """Submit a job, in the caller's transaction; the broker hears of it after the commit.

        Takes what Celery's ``apply_async`` takes, and ``unique_key``: while a job with that key is
        not final, its result is returned and nothing is submitted. With ``unique_for``, seconds or
        a timedelta, the job holds its key no longer than that, and then goes on without it.
        ``scope``, a dict, says more than what the job inherits (see ``inherited.take_scope``).
        ``producer``, ``connection`` and ``retry`` have no meaning here: nothing is sent before the
        commit.

        Raises ArgumentsMismatchError, ArgumentsNotJsonError, ArgumentsTooLargeError,
        ScopeError, SerializerRefusedError, UniqueKeyError, UniqueWindowError, UnknownExchangeError
        or UnknownQueueError, each in one sentence, and then nothing was submitted.
        """
        header = take_scope(options, task_id)
        if self.app.conf.task_always_eager:
            with scope.entered(header):
                return super().apply_async(
                    args, kwargs, task_id, producer, link, link_error, shadow, **options
                )
        key = key_from(options)
        timing = Timing.taken_from(options)
        for name in ("connection", "publisher", "retry", "retry_policy"):
            options.pop(name, None)
        self._check_arguments(args, kwargs)
        links = {"link": link, "link_error": link_error, "shadow": shadow}
        message, result = self._built(
            task_id or new_id(), args, kwargs, {**links, **options}, header
        )
        attempt = attempt_of(message.task_id)
        if attempt is not None:
            # The running job goes on with this message: Celery's retry() or replace().
            attempt.successor = Successor(
                message=message, delay=timing.delay, expires_at=timing.expires_at
            )
            return result
        accepted = submit.accept(message, timing=timing, key=key, is_new=task_id is None)
        return result if accepted == result.id else self.AsyncResult(accepted)

    def on_replace(self, sig: Any) -> NoReturn:
        """Put ``sig`` in this job's place: its rows and the hand-over commit together, or not at all."""
        if self.request.is_eager:
            super().on_replace(sig)
        attempt = attempt_of(str(self.request.id))
        if attempt is not None:
            recorder.end(attempt)
        with transaction.atomic():
            with submit.together():
                sig.delay()
            if attempt is not None and not settle.hand_over(attempt):
                raise JobCancelledError(attempt.task_id)
        reason = "Replaced by new task"
        raise Ignore(reason)

    def message_maker(self, options: dict[str, Any]) -> Callable[[Any, Any], Message]:
        """What makes the message of a new job from its arguments, positional and by name.

        ``options`` are those of ``apply_async`` but for its timing. All inherit the scope that holds
        now. Raises what ``apply_async`` raises.
        """
        header = take_scope(options)
        blueprint: Blueprint | None = None

        def make(args: Any, kwargs: Any) -> Message:
            nonlocal blueprint
            self._check_arguments(args, kwargs)
            task_id = new_id()
            if blueprint is None:
                blueprint = self._blueprint(task_id, args, kwargs, options)
            if blueprint is None:
                told = with_scope(options, header)
                return self._built_by_celery(task_id, args, kwargs, told)[0]
            return blueprint.fill_in(task_id, args, kwargs, header)

        return make

    def _built(
        self, task_id: str, args: Any, kwargs: Any, options: dict[str, Any], header: str | None
    ) -> tuple[Message, AsyncResult[Any]]:
        """The message as Celery builds it, or a copy of one that it has built, and the result."""
        blueprint = self._blueprint(task_id, args, kwargs, options)
        if blueprint is None:
            return self._built_by_celery(task_id, args, kwargs, with_scope(options, header))
        message = blueprint.fill_in(task_id, args, kwargs, header)
        result: AsyncResult[Any] = self.AsyncResult(task_id)
        result.ignored = message.headers["ignore_result"]
        return message, result

    def _blueprint(
        self, task_id: str, args: Any, kwargs: Any, options: dict[str, Any]
    ) -> Blueprint | None:
        given = {name: value for name, value in options.items() if value is not None}
        return blueprint_of(
            self,
            args,
            kwargs,
            given,
            lambda: self._built_by_celery(task_id, args, kwargs, given)[0],
        )

    def _built_by_celery(
        self, task_id: str, args: Any, kwargs: Any, options: dict[str, Any]
    ) -> tuple[Message, AsyncResult[Any]]:
        submit.check_queue(options)
        capture: Any = CapturingProducer()
        result = super().apply_async(
            args, kwargs, task_id=task_id, producer=capture, retry=False, **options
        )
        if capture.message is None:
            raise RuntimeError(self.name)
        return capture.message, result

    def add_to_chord(self, sig: Any, lazy: Any = False) -> Any:  # noqa: FBT002  # Celery's signature
        """Add a part to the chord that this job is in; the count and the part's row commit together."""
        with transaction.atomic():
            return super().add_to_chord(sig, lazy)

    def _check_arguments(self, args: Any, kwargs: Any) -> None:
        check = getattr(self, "__header__", None)
        if not self.typing or check is None:
            return
        try:
            check(*(args or ()), **(kwargs or {}))
        except TypeError as error:
            raise ArgumentsMismatchError(self.name, str(error)) from error
