"""Celery's result backend over the ledger; django-celery-results' rows are a copy.

A final state is recorded by one guarded statement: the first one wins, and only the first one
counts a chord's part, fails a chain or calls errbacks. The ``TaskResult`` row is written in the
same transaction, so that the package's admin shows what the ledger says.
"""

import logging
from dataclasses import replace
from typing import Any

from celery import states
from celery.exceptions import TaskRevokedError
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django_celery_results.models import TaskResult
from kombu.exceptions import EncodeError

from celery_uncovered.jobs import chords, errbacks, inherited, settle, submit
from celery_uncovered.jobs.contexts import request_of_ended
from celery_uncovered.jobs.current import RunningAttempt, attempt_of
from celery_uncovered.jobs.errors import ResultNotJsonError
from celery_uncovered.jobs.finished import Finished
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.patience import patiently
from celery_uncovered.jobs.result_texts import TextBackend
from celery_uncovered.jobs.settle import Outcome
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.task_log import recorder

log = logging.getLogger(__name__)

#: What a later state writes over in the copy; ``date_created`` stays.
COPIED = [
    "status",
    "content_type",
    "content_encoding",
    "result",
    "meta",
    "traceback",
    "worker",
    "date_done",
    "task_name",
    "task_args",
    "task_kwargs",
    "periodic_task_name",
]
#: How Celery's users read the states that only the ledger has.
AS_CELERY = {State.SCHEDULED: states.PENDING, State.QUEUED: states.PENDING}


class LedgerBackend(TextBackend):
    """Result backend by dotted path: ``celery_uncovered.jobs.results.LedgerBackend``."""

    def mark_as_done(
        self,
        task_id: str,
        result: Any,
        request: Any = None,
        store_result: bool = True,  # noqa: FBT001, FBT002  # Celery's signature
        state: str = states.SUCCESS,
    ) -> None:
        copy = store_result and not getattr(request, "ignore_result", False)
        attempt = attempt_of(task_id)
        followers = attempt.take_followers() if attempt is not None else []
        if attempt is not None and attempt.keep is not None and not followers:
            attempt.keep(self._finished(attempt, result, request, copy=copy))
            attempt.settle()
            return
        if attempt is not None:
            recorder.end(attempt)

        def record() -> None:
            with transaction.atomic():
                if self._record(task_id, result, state, request=request, copy=copy):
                    submit.accept_all(followers)
                    self._count_part(request, state, result)

        patiently(record, f"The result of job {task_id}")

    def mark_as_failure(
        self,
        task_id: str,
        exc: BaseException,
        traceback: Any = None,
        request: Any = None,
        store_result: bool = True,  # noqa: FBT001, FBT002
        call_errbacks: bool = True,  # noqa: FBT001, FBT002
        state: str = states.FAILURE,
    ) -> None:
        known = request_of_ended(task_id, request)
        _drop_followers(task_id)
        _end_log(task_id, exc, traceback)

        def record() -> None:
            with transaction.atomic():
                first = self._record(
                    task_id, exc, state, traceback=traceback, request=known, copy=store_result
                )
                if first:
                    self._count_part(known, state, exc)
                    self._fail_chain(
                        getattr(known, "chain", None), exc, traceback, store_result, state=state
                    )
                # A chord calls the errbacks of its callback itself, and names no request here.
                if first and request is not None and call_errbacks and known.errbacks:
                    self._call_task_errbacks(known, exc, traceback)

        patiently(record, f"The failure of job {task_id}")

    def mark_as_revoked(
        self,
        task_id: str,
        reason: str = "",
        request: Any = None,
        store_result: bool = True,  # noqa: FBT001, FBT002
        state: str = states.REVOKED,
    ) -> None:
        error = TaskRevokedError(reason)
        known = request_of_ended(task_id, request)
        _drop_followers(task_id)
        _end_log(task_id)

        def record() -> None:
            with transaction.atomic():
                if self._record(task_id, error, state, request=known, copy=store_result):
                    self._count_part(known, state, error)
                    self._fail_chain(
                        getattr(known, "chain", None), error, None, store_result, state=state
                    )

        patiently(record, f"The end of job {task_id}")

    def mark_as_retry(
        self,
        task_id: str,
        exc: BaseException,
        traceback: Any = None,
        request: Any = None,
        store_result: bool = True,  # noqa: FBT001, FBT002
        state: str = states.RETRY,
    ) -> None:
        attempt = attempt_of(task_id)
        if attempt is None or attempt.successor is None:
            return
        sentence = settle.error_sentence(exc) if exc else ""
        _end_log(task_id, exc, traceback)

        def record() -> None:
            with transaction.atomic():
                if settle.retry(attempt, sentence, traceback or "") and store_result:
                    content = self.masked_text(self.encode_result(exc, state))
                    self._write_copy(task_id, content, state, traceback, request)

        patiently(record, f"The retry of job {task_id}")

    def _store_result(
        self,
        task_id: str,
        result: Any,
        status: str,
        traceback: Any = None,
        request: Any = None,
        using: Any = None,  # noqa: ARG002  # Celery's signature
    ) -> Any:
        """What ``store_result`` ends in: a final state counts if it is the first; others are notes."""
        if status in states.READY_STATES:
            with transaction.atomic():
                outcome = self._outcome(task_id, result, status, traceback, request)
                if self._finish(task_id, outcome, request):
                    self._write_copy(task_id, outcome.result, status, traceback, request)
            return result
        self._write_copy(task_id, self.sealed_text(result), status, traceback, request)
        return result

    def _record(
        self,
        task_id: str,
        result: Any,
        state: str,
        *,
        request: Any,
        copy: bool,
        traceback: Any = None,
    ) -> bool:
        """Record a final state and its copy; True if it is the first one of the job."""
        prepared = self.encode_result(result, state)
        outcome = self._outcome(task_id, prepared, state, traceback, request)
        if isinstance(result, BaseException):
            outcome = replace(outcome, error=settle.error_sentence(result))
        if not self._finish(task_id, outcome, request):
            return False
        if copy:
            self._write_copy(task_id, outcome.result, state, traceback, request)
        return True

    def _finished(
        self, attempt: RunningAttempt, result: Any, request: Any, *, copy: bool
    ) -> Finished:
        """A success for the batch. What cannot be stored as JSON is refused here, as ever."""
        prepared = self.encode_result(result, states.SUCCESS)
        outcome = self._outcome(attempt.task_id, prepared, states.SUCCESS, None, request)
        children = self.current_task_children(request)
        meta = {**self._get_meta_from_request(request), "children": children}
        extended = self._get_extended_properties(request, None) if copy else {}
        return Finished(
            id=attempt.task_id,
            attempt=attempt.number,
            finished_at=timezone.now(),
            result=outcome.result or "null",
            meta=self.meta_text(meta) if copy else None,
            task_args=extended.get("task_args"),
            task_kwargs=extended.get("task_kwargs"),
            periodic=extended.get("periodic_task_name"),
            group=request.group if request.chord else None,
            root_id=request.root_id,
        )

    def _write_copy(
        self, task_id: str, content: str | None, state: str, traceback: Any, request: Any
    ) -> None:
        """Write django-celery-results' row, in one statement where the package takes four."""
        meta = {
            **self._get_meta_from_request(request),
            "children": self.current_task_children(request),
        }
        row = TaskResult(
            task_id=task_id,
            status=state,
            content_type=self.content_type,
            content_encoding=self.content_encoding,
            result=content,
            meta=self.meta_text(meta),
            date_done=timezone.now(),
            **self._get_extended_properties(request, traceback)
            | {"traceback": None if traceback is None else settle.readable(traceback)},
        )
        TaskResult.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["task_id"], update_fields=COPIED
        )

    def _finish(self, task_id: str, outcome: Outcome, request: Any) -> bool:
        attempt = attempt_of(task_id)
        number = attempt.number if attempt else getattr(request, ATTEMPT_HEADER, None)
        first = settle.finish(task_id, outcome, attempt=number)
        if attempt is not None:
            settle.settled_at_commit(attempt)
        if not first and number is None:
            first = settle.insert_ended(task_id, outcome, request)
        return first

    def _outcome(
        self, task_id: str, prepared: Any, state: str, traceback: Any, request: Any
    ) -> Outcome:
        is_success = state == states.SUCCESS
        try:
            text = self.sealed_text(prepared) if is_success else self.masked_text(prepared)
        except EncodeError as error:
            raise ResultNotJsonError(
                str(getattr(request, "task", None) or task_id), str(error)
            ) from error
        if is_success:
            return Outcome(state=State.SUCCESS, result=text)
        return Outcome(
            state=State(state),
            result=text,
            error=_sentence_of(prepared),
            error_type=str(prepared.get("exc_type", "")) if isinstance(prepared, dict) else "",
            traceback=traceback or "",
        )

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        """What ``AsyncResult`` reads: the ledger's word, with the copy's extras."""
        meta: dict[str, Any] = super()._get_task_meta_for(task_id)
        job = Job.objects.filter(id=task_id).first()
        if job is None:
            return meta
        state = State(job.state)
        if state == State.STARTED and meta["status"] not in states.ALL_STATES:
            return meta  # a state of the task's own, by update_state
        meta["status"] = AS_CELERY.get(state, str(state))
        meta["date_done"] = job.finished_at
        meta["traceback"] = job.traceback or None
        if job.is_final:
            meta["result"] = None if job.result is None else self.decode(job.result)
        elif state != State.RETRY:
            meta["result"] = None
        return dict(self.meta_from_decoded(meta))

    def cleanup(self) -> None:
        """Nothing: retention removes the copies together with their jobs."""

    def wait_for(
        self,
        task_id: str,
        timeout: float | None = None,
        interval: float = 0.5,
        no_ack: bool = True,  # noqa: FBT001, FBT002  # Celery's signature
        on_interval: Any = None,
    ) -> Any:
        """As Celery's, but it looks for a parent's error whenever this result comes.

        So the error of a chord's part is raised as it is, and not as the chord's.
        """
        meta = super().wait_for(task_id, timeout, interval, no_ack, on_interval)
        if on_interval:
            on_interval()
        return meta

    def apply_chord(self, header_result_args: Any, body: Any, **_: Any) -> None:
        chords.open_chord(self.app.GroupResult(*header_result_args), body)

    def set_chord_size(self, group_id: str, chord_size: int) -> None:
        chords.resize_chord(group_id, chord_size)

    def add_to_chord(self, chord_id: str, result: Any) -> None:
        chords.add_part(chord_id, result)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **_: Any) -> None:
        """Count a part; runs inside the transaction that made it final, so each counts once.

        A chord that was begun before the project had the ledger is django-celery-results' to count.
        """
        if not chords.count_parts(self.app, request):
            super().on_chord_part_return(request, state, result)

    def _count_part(self, request: Any, state: str, result: Any) -> None:
        if request is not None and request.chord:
            self.on_chord_part_return(request, state, result)

    def _fail_chain(self, chain: Any, *details: Any, **options: Any) -> None:
        """Fail what was to follow, down to the tasks of a group, which Celery leaves waiting."""
        steps = list(chords.tasks_of_chain(chain)) if isinstance(chain, (list, tuple)) else None
        super()._fail_chain(steps, *details, **options)

    def _call_task_errbacks(self, request: Any, exc: BaseException, traceback: Any) -> None:
        """Submit errbacks within the transaction that records the failure.

        Those that take the error itself are functions, called here, after the commit.
        """
        submitted, called = errbacks.sorted_out(self, request)
        call = inherited.as_follower(super()._call_task_errbacks)
        if submitted.errbacks:
            errbacks.submit(lambda: call(submitted, exc, traceback), request.id)
        if called.errbacks:
            transaction.on_commit(lambda: call(called, exc, traceback), robust=True)

    def exception_safe_to_retry(self, exc: BaseException) -> bool:
        """A database that went away is worth another try, on a new connection."""
        if isinstance(exc, (InterfaceError, OperationalError)):
            connection.close()
            return True
        return isinstance(exc, DatabaseError) and connection.connection is None


def _drop_followers(task_id: str) -> None:
    """What was to follow a success does not follow another end."""
    attempt = attempt_of(task_id)
    if attempt is not None:
        attempt.take_followers()


def _end_log(
    task_id: str, error: BaseException | None = None, traceback: str | None = None
) -> None:
    """What the running attempt said, and what ends it, before its end is recorded."""
    attempt = attempt_of(task_id)
    if attempt is None:
        return
    if error is not None:
        recorder.record_error(attempt, error, traceback)
    recorder.end(attempt)


def _sentence_of(prepared: Any) -> str:
    """The sentence in an exception as Celery stores it: its first text argument, or its class."""
    if not isinstance(prepared, dict):
        return str(prepared)
    message = prepared.get("exc_message")
    if isinstance(message, (list, tuple)):
        message = next((part for part in message if isinstance(part, str) and part), "")
    return str(message or prepared.get("exc_type") or "")
