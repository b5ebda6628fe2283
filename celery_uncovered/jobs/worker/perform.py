"""One message in a worker: claimed, traced by Celery, settled. Nothing leaves it unsettled."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.exceptions import Reject
from django.db import close_old_connections

from celery_uncovered.jobs import sealing
from celery_uncovered.jobs.current import RunningAttempt, running
from celery_uncovered.jobs.messages import ATTEMPT_HEADER, BODY_HEADER, DUE_HEADER, IN_LEDGER
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.patience import patiently
from celery_uncovered.jobs.scope import SCOPE_HEADER
from celery_uncovered.jobs.sealing import SEALED_HEADER
from celery_uncovered.jobs.worker import claim, receive
from celery_uncovered.jobs.worker.leftovers import DROPPED, run_to_the_end

log = logging.getLogger(__name__)


def perform(
    trace: Callable[..., Any],
    name: str,
    task_id: str,
    request: dict[str, Any],
    *message: Any,
) -> Any:
    """Run the job of a message; returns what Celery's tracer returns, and raises nothing.

    (A pool of threads keeps what is raised to itself, and the message would stay unsettled.)
    """
    # One that is too old or broken; Celery itself would close them all, around every task.
    close_old_connections()
    try:
        number = request.get(ATTEMPT_HEADER) or patiently(
            lambda: receive.attempt_of_foreign(name, task_id, request, message), f"Job {task_id}"
        )
        request[ATTEMPT_HEADER] = number
        request["eta"] = request.get(DUE_HEADER)
        with _in_hand(task_id, number) as is_ours:
            attempt = _claim(name, task_id, number) if is_ours else None
            if attempt is None:
                return DROPPED
            if request.get(BODY_HEADER) == IN_LEDGER:
                message = (_body_of(task_id), "application/json", "utf-8")
            attempt.scope = request.get(SCOPE_HEADER)
            attempt.is_sealed = sealing.holds_sealed(message[0]) or SEALED_HEADER in request
            with running(attempt):
                return run_to_the_end(attempt, lambda: trace(name, task_id, request, *message))
    except Exception as error:
        log.exception("Job %s could not be claimed", task_id)
        return _handed_back(error)


def _claim(name: str, task_id: str, number: int) -> RunningAttempt | None:
    def claimed() -> RunningAttempt | None:
        # Resumed where the claim was committed and its answer lost: nobody else here runs it.
        return claim.claim_job(task_id, attempt=number, task=name) or claim.resume(task_id, number)

    return patiently(claimed, f"Job {task_id}")


def _body_of(task_id: str) -> str:
    bodies = Job.objects.filter(id=task_id).values_list("body", flat=True)
    return patiently(bodies.get, f"Job {task_id}")


def _handed_back(error: Exception) -> Any:
    """What makes Celery reject the message; it stays in the broker's care as a dead one."""
    refusal = Reject(str(error), requeue=False)
    return 1, ExceptionInfo((Reject, refusal, error.__traceback__), internal=True), 0.0


# Attempts that a thread of this process works on, so that a claim whose answer was lost on the way
# can be told from a duplicate message of a job that is being run.
_attempts: set[tuple[str, int]] = set()
_lock = threading.Lock()


@contextmanager
def _in_hand(task_id: str, number: int) -> Iterator[bool]:
    """Whether this thread is the one of its process that has the attempt in hand."""
    key = (task_id, number)
    with _lock:
        is_ours = key not in _attempts
        _attempts.add(key)
    try:
        yield is_ours
    finally:
        if is_ours:
            with _lock:
                _attempts.discard(key)
