"""What Celery's tracer leaves open: every attempt is settled, or its job is brought back."""

import logging
from collections.abc import Callable
from typing import Any

from celery import current_app
from celery.exceptions import Reject, Retry

from celery_uncovered.jobs import idle, recovery, settle
from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.patience import patiently
from celery_uncovered.jobs.scope import within
from celery_uncovered.jobs.task_log import recorder

log = logging.getLogger(__name__)

#: What the tracer would return for a job that was not run.
DROPPED = (0, "'dropped'", 0.0)


def run_to_the_end(attempt: RunningAttempt, trace: Callable[[], Any]) -> Any:
    """Trace a claimed job in its scope, and settle what is left open; what the tracer returned.

    Raises nothing.
    """
    try:
        outcome = within(attempt, trace)
        if not attempt.settled:
            error = _error_in(outcome)
            if isinstance(error, Retry) and error.exc is not None:
                # Of a task whose results are ignored, Celery tells the backend nothing.
                recorder.record_error(attempt, error.exc, outcome[1].traceback)
            recorder.end(attempt)
            patiently(lambda: settle_leftover(attempt, error), str(attempt))
    except BaseException as error:  # SystemExit too: the attempt must be settled
        if attempt.settled:
            log.exception("%s is settled, but for what came after", attempt)
        else:
            bring_back(attempt.task_id, attempt.number, error)
        recorder.end(attempt)
        return DROPPED
    return outcome


def settle_leftover(attempt: RunningAttempt, error: Any = None) -> None:
    """Settle an attempt that Celery's tracer left open.

    ``error`` is what the task raised, if it did: Ignore, Reject, or the sign of a cancel.
    """
    if attempt.settled:
        return
    successor = attempt.successor
    if successor is not None and successor.delay is not None and settle.retry(attempt, "", ""):
        return
    if successor is not None and settle.hand_over(attempt):
        return
    job = Job.objects.filter(id=attempt.task_id).first()
    if job is None:
        return
    backend, request = current_app.backend, request_of(job)
    if job.cancel_requested:
        backend.mark_as_revoked(job.id, idle.CANCELLED, request=request)
    elif isinstance(error, Reject) and getattr(error, "requeue", False):
        settle.give_back(job.id, attempt=attempt.number, reason=settle.error_sentence(error))
    elif isinstance(error, Reject):
        backend.mark_as_failure(job.id, error, request=request)
    elif request.chain or request.chord:
        # What was to follow an ignored task never comes, and must say so.
        backend.mark_as_revoked(job.id, "The task ended itself (Ignore).", request=request)
    else:
        backend.mark_as_done(job.id, None, request, store_result=False)


def bring_back(task_id: str, number: int, error: BaseException) -> None:
    """Queue a job again, up to its limit, whose end could not be recorded."""
    what = f"Attempt {number} of job {task_id}"
    log.error("%s could not be settled and is queued again", what, exc_info=error)
    reason = f"The end of the attempt could not be recorded: {type(error).__name__}."

    def act() -> None:
        job = Job.objects.filter(id=task_id, attempt=number).first()
        if job is not None:
            recovery.bring_back(job, reason)

    patiently(act, what)


def _error_in(outcome: Any) -> BaseException | None:
    failed, value, *_ = outcome
    error = getattr(value, "exception", None) if failed else None
    return getattr(error, "exc", error)
