"""The base class that makes every Celery task of a project a job.

``Celery(..., task_cls="celery_uncovered.jobs.task:JobTask")`` is all that a project says. Whatever
ends in ``apply_async`` (``delay``, group, chord, chain, beat, ``submit``) leaves a ledger row first.
"""

import uuid
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore
from celery.result import AsyncResult
from django.db import transaction

from celery_uncovered.jobs import sending, settle, submit
from celery_uncovered.jobs.capture import CapturingProducer
from celery_uncovered.jobs.current import Successor, attempt_of
from celery_uncovered.jobs.errors import ArgumentsMismatchError, JobCancelledError
from celery_uncovered.jobs.timing import Timing


class JobTask(Task):  # type: ignore[type-arg]  # the stubs make Task generic, Celery 5.7 does not
    """A Celery task whose submissions are jobs."""

    abstract = True
    Strategy = "celery_uncovered.jobs.strategy:job_strategy"
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
        not final, its result is returned and nothing is submitted. ``producer``, ``connection``
        and ``retry`` have no meaning here: nothing is sent before the commit.

        Raises ArgumentsMismatchError, ArgumentsNotJsonError, ArgumentsTooLargeError,
        SerializerRefusedError or UnknownQueueError, each in one sentence, and then nothing was submitted.
        """
        if self.app.conf.task_always_eager:
            return super().apply_async(
                args, kwargs, task_id, producer, link, link_error, shadow, **options
            )
        unique_key = options.pop("unique_key", None)
        timing = Timing.taken_from(options)
        for name in ("connection", "publisher"):
            options.pop(name, None)
        capture: Any = CapturingProducer()
        submit.check_queue(options)
        self._check_arguments(args, kwargs)
        result = super().apply_async(
            args,
            kwargs,
            task_id=task_id or str(uuid.uuid4()),
            producer=capture,
            link=link,
            link_error=link_error,
            shadow=shadow,
            **options | {"retry": False},
        )
        if capture.message is None:
            raise RuntimeError(self.name)
        attempt = attempt_of(capture.message.task_id)
        if attempt is not None:
            # The running job goes on with this message: Celery's retry() or replace().
            attempt.successor = Successor(
                message=capture.message, delay=timing.delay, expires_at=timing.expires_at
            )
            return result
        accepted = submit.accept(
            capture.message, timing=timing, unique_key=unique_key, is_new=task_id is None
        )
        return result if accepted == result.id else self.AsyncResult(accepted)

    def on_replace(self, sig: Any) -> NoReturn:
        """Put ``sig`` in this job's place: its rows and the hand-over commit together, or not at all."""
        if self.request.is_eager:
            super().on_replace(sig)
        with transaction.atomic():
            with submit.together():
                sig.delay()
            attempt = attempt_of(str(self.request.id))
            if attempt is not None and not settle.hand_over(attempt):
                raise JobCancelledError(attempt.task_id)
        reason = "Replaced by new task"
        raise Ignore(reason)

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
