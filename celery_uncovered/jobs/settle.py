"""Recording how an attempt ended. Every change is guarded by the attempt: the first end wins."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.states import LIVE, SOURCES, AttemptOutcome, State

NO_LEASE: dict[str, Any] = {"lease_node": None, "lease_pid": None}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An end: ``result`` is JSON text, ``error`` one sentence."""

    state: State
    result: str | None = None
    error: str = ""
    error_type: str = ""
    traceback: str = ""


def finish(task_id: str, outcome: Outcome, *, attempt: int | None) -> bool:
    """Record a final state; True if this is the one that counts.

    ``attempt`` guards it; None records an end that comes from outside any attempt.
    """
    now = timezone.now()
    jobs = Job.objects.filter(id=task_id, state__in=SOURCES[outcome.state])
    if attempt is not None:
        jobs = jobs.filter(attempt=attempt, lease_node__isnull=False, state=State.STARTED)
    with transaction.atomic(savepoint=False):
        changed = jobs.update(
            state=outcome.state,
            result=outcome.result,
            error=outcome.error,
            error_type=outcome.error_type,
            traceback=outcome.traceback,
            finished_at=now,
            **NO_LEASE,
        )
        if changed:
            _end_attempt(task_id, AttemptOutcome(outcome.state), outcome)
    return bool(changed)


def retry(attempt: RunningAttempt, error: str, traceback: str) -> bool:
    """Let the job wait in the ledger for its next attempt; True if the attempt still counted."""
    successor = attempt.successor
    if successor is None:
        raise RuntimeError(attempt.task_id)
    message = successor.message
    outcome = Outcome(state=State.RETRY, error=error, traceback=traceback)
    with transaction.atomic(savepoint=False):
        changed = _held(attempt).update(
            state=State.RETRY,
            task=message.task,
            queue=message.queue,
            body=message.body,
            message=message.envelope(),
            due_at=timezone.now() + timedelta(seconds=successor.delay or 0),
            published_at=None,
            error=error,
            traceback=traceback,
            **NO_LEASE,
        )
        if changed:
            _end_attempt(attempt.task_id, AttemptOutcome.RETRY, outcome)
    attempt.settled = True
    return bool(changed)


def hand_over(attempt: RunningAttempt) -> bool:
    """End the attempt without ending the job: another task goes on under its id.

    With a successor it is queued at once; without, the job stays STARTED and unleased until the
    chord or chain that replaced it comes to its last task. False, and nothing is changed, where
    the job was cancelled or the attempt is no longer the current one.
    """
    successor = attempt.successor
    changes: dict[str, Any] = dict(NO_LEASE)
    if successor is not None:
        message = successor.message
        changes |= {
            "state": State.QUEUED,
            "task": message.task,
            "queue": message.queue,
            "body": message.body,
            "message": message.envelope(),
            "queued_at": timezone.now(),
            "published_at": None,
        }
    with transaction.atomic(savepoint=False):
        changed = _held(attempt).filter(cancel_requested=False).update(**changes)
        if changed:
            _end_attempt(attempt.task_id, AttemptOutcome.REPLACED, Outcome(state=State.QUEUED))
            if successor is not None:
                outbox.send_after_commit(successor.message, attempt=attempt.number + 1)
    attempt.settled = attempt.settled or bool(changed)
    return bool(changed)


def give_back(task_id: str, *, attempt: int, reason: str) -> bool:
    """Queue a job again whose attempt was lost with its worker; False if that was not current."""
    now = timezone.now()
    outcome = Outcome(state=State.QUEUED, error=reason)
    with transaction.atomic(savepoint=False):
        changed = Job.objects.filter(
            id=task_id, attempt=attempt, state=State.STARTED, lease_node__isnull=False
        ).update(state=State.QUEUED, queued_at=now, published_at=None, **NO_LEASE)
        if changed:
            _end_attempt(task_id, AttemptOutcome.LOST, outcome)
            outbox.send_job_after_commit(task_id)
    return bool(changed)


def error_sentence(error: BaseException) -> str:
    """The error as one sentence for people: its own words, or its class where it has none."""
    words = str(error).strip()
    return words or type(error).__name__


def is_live(task_id: str) -> bool:
    return Job.objects.filter(id=task_id, state__in=LIVE).exists()


def result_value(job: Job) -> Any:
    return None if job.result is None else json.loads(job.result)


def _held(attempt: RunningAttempt) -> Any:
    return Job.objects.filter(
        Q(id=attempt.task_id), attempt=attempt.number, state=State.STARTED, lease_node__isnull=False
    )


def _end_attempt(task_id: str, outcome: AttemptOutcome, details: Outcome) -> None:
    running = Attempt.objects.filter(job_id=task_id, outcome=AttemptOutcome.STARTED)
    running.update(
        outcome=outcome,
        ended_at=timezone.now(),
        error=details.error,
        traceback=details.traceback,
    )
