"""Recording how an attempt ended. Every change is guarded by the attempt: the first end wins."""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.failures import JobFailure, tell_after_commit
from celery_uncovered.jobs.masking import mask_text
from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.node import host_of
from celery_uncovered.jobs.states import LIVE, SOURCES, AttemptOutcome, State

_LONGEST_TYPE = 255
_REFUSED = re.compile("[\0\ud800-\udfff]")
#: What a job's row says of the attempt that runs.
_OF_ATTEMPT = ("id", "task", "attempt", "started_at", "lease_node", "lease_pid")
NO_LEASE: dict[str, Any] = {"lease_node": None, "lease_pid": None}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An end: ``result`` is JSON text, ``error`` one sentence."""

    state: State
    result: str | None = None
    error: str = ""
    error_type: str = ""
    traceback: str = ""

    def masked(self) -> "Outcome":
        """As it is stored: what people read of it without its secrets, as both databases take it."""
        return replace(
            self,
            error=readable(self.error),
            error_type=storable(self.error_type)[:_LONGEST_TYPE],
            traceback=readable(self.traceback),
        )


def finish(task_id: str, outcome: Outcome, *, attempt: int | None) -> bool:
    """Record a final state; True if this is the one that counts.

    ``attempt`` guards it; None records an end that comes from outside any attempt.
    """
    jobs = Job.objects.filter(id=task_id, state__in=SOURCES[outcome.state])
    if attempt is not None:
        running = Q(attempt=attempt, lease_node__isnull=False, state=State.STARTED)
        # Celery revokes a message that it has received and not started: it is of the next attempt.
        waiting = Q(attempt=attempt - 1, state=State.QUEUED)
        jobs = jobs.filter(running | waiting if outcome.state == State.REVOKED else running)
    outcome = outcome.masked()
    changes = {
        "state": outcome.state,
        "result": outcome.result,
        "error": outcome.error,
        "error_type": outcome.error_type,
        "traceback": outcome.traceback,
        "finished_at": timezone.now(),
    }
    return _end(jobs, changes, AttemptOutcome(outcome.state), outcome)


def retry(attempt: RunningAttempt, error: str, traceback: str) -> bool:
    """Let the job wait in the ledger for its next attempt; True if the attempt still counted."""
    successor = attempt.successor
    if successor is None:
        raise RuntimeError(attempt.task_id)
    message = successor.message
    outcome = Outcome(state=State.RETRY, error=error, traceback=traceback).masked()
    changes = {
        "state": State.RETRY,
        "task": message.task,
        "queue": message.queue,
        "body": message.body,
        "message": message.envelope(),
        "due_at": timezone.now() + timedelta(seconds=successor.delay or 0),
        "published_at": None,
        "error": outcome.error,
        "traceback": outcome.traceback,
    }
    with transaction.atomic(savepoint=False):
        held = _held(attempt).filter(cancel_requested=False)
        changed = _end(held, changes, AttemptOutcome.RETRY, outcome)
        if changed:
            settled_at_commit(attempt)
    return changed


def hand_over(attempt: RunningAttempt) -> bool:
    """End the attempt without ending the job: another task goes on under its id.

    With a successor it is queued at once; without, the job stays STARTED and unleased until the
    chord or chain that replaced it comes to its last task. False, and nothing is changed, where
    the job was cancelled or the attempt is no longer the current one.
    """
    successor = attempt.successor
    changes: dict[str, Any] = {}
    if successor is not None:
        message = successor.message
        due_at = timezone.now() + timedelta(seconds=successor.delay) if successor.delay else None
        changes |= {
            "state": State.SCHEDULED if due_at else State.QUEUED,
            "due_at": due_at,
            # The job has started in time; what replaces it has a time of its own, if any.
            "expires_at": successor.expires_at,
            "task": message.task,
            "queue": message.queue,
            "body": message.body,
            "message": message.envelope(),
            "queued_at": timezone.now(),
            "published_at": None,
        }
    with transaction.atomic(savepoint=False):
        held = _held(attempt).filter(cancel_requested=False)
        changed = _end(held, changes, AttemptOutcome.REPLACED, Outcome(state=State.QUEUED))
        if changed:
            if successor is not None and not successor.delay:
                outbox.send_after_commit(successor.message, attempt=attempt.number + 1)
            settled_at_commit(attempt)
    return changed


def give_back(task_id: str, *, attempt: int, reason: str) -> bool:
    """Queue a job again whose attempt was lost with its worker; False if that was not current."""
    outcome = Outcome(state=State.QUEUED, error=reason).masked()
    running = Job.objects.filter(
        id=task_id, attempt=attempt, state=State.STARTED, lease_node__isnull=False
    )
    changes = {"state": State.QUEUED, "queued_at": timezone.now(), "published_at": None}
    with transaction.atomic(savepoint=False):
        changed = _end(running, changes, AttemptOutcome.LOST, outcome)
        if changed:
            outbox.send_job_after_commit(task_id)
    return changed


def insert_ended(task_id: str, outcome: Outcome, request: Any) -> bool:
    """Insert the row of a job that ended before it was submitted: the rest of a failed chain."""
    if Job.objects.filter(id=task_id).exists():
        return False
    now = timezone.now()
    outcome = outcome.masked()
    Job.objects.create(
        id=task_id,
        task=str(getattr(request, "task", None) or ""),
        queue="",
        state=outcome.state,
        body=json.dumps([[], {}, {}]),
        message="{}",
        result=outcome.result,
        error=outcome.error,
        error_type=outcome.error_type,
        traceback=outcome.traceback,
        root_id=str(getattr(request, "root_id", None) or task_id),
        parent_id=getattr(request, "parent_id", None),
        group_id=getattr(request, "group", None),
        finished_at=now,
    )
    return True


def error_sentence(error: BaseException) -> str:
    """The error as one sentence for people: its own words, or its class where it has none."""
    words = str(error).strip()
    return words or type(error).__name__


def settled_at_commit(attempt: RunningAttempt) -> None:
    """An attempt is settled once that is committed; a commit that fails leaves it to be settled."""
    transaction.on_commit(attempt.settle)


def readable(text: str) -> str:
    """``text`` as it is stored for people to read: without secrets."""
    return storable(mask_text(text))


def storable(text: str) -> str:
    """``text`` as both databases take it: lone surrogates and NUL become U+FFFD."""
    return _REFUSED.sub("\ufffd", text)


def is_live(task_id: str) -> bool:
    return Job.objects.filter(id=task_id, state__in=LIVE).exists()


def _held(attempt: RunningAttempt) -> Any:
    return Job.objects.filter(
        Q(id=attempt.task_id), attempt=attempt.number, state=State.STARTED, lease_node__isnull=False
    )


def _end(jobs: Any, changes: dict[str, Any], outcome: AttemptOutcome, details: Outcome) -> bool:
    """Change the one job in ``jobs``, and record the attempt that ran, if one did; False if none.

    ``details`` are masked.

    The row is locked first, since what it says of the attempt is gone after the change.
    """
    now = timezone.now()
    with transaction.atomic(savepoint=False):
        job = jobs.select_for_update().only(*_OF_ATTEMPT).first()
        if job is None:
            return False
        Job.objects.filter(id=job.id).update(**changes, **NO_LEASE)
        if job.lease_node is not None:
            Attempt.objects.create(
                job_id=job.id,
                number=job.attempt,
                task=job.task,
                outcome=outcome,
                started_at=job.started_at or now,
                ended_at=now,
                node=job.lease_node,
                host=host_of(job.lease_node),
                pid=job.lease_pid or 0,
                error=details.error,
                traceback=details.traceback,
            )
        if details.state == State.FAILURE:
            tell_after_commit(_failure_of(job, details, now))
    return True


def _failure_of(job: Job, details: Outcome, failed_at: datetime) -> JobFailure:
    return JobFailure(
        task_id=job.id,
        task=job.task,
        error=details.error,
        error_type=details.error_type,
        traceback=details.traceback,
        failed_at=failed_at,
    )
