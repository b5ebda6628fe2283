"""Claiming: one guarded UPDATE makes an attempt the only one that may work on a job."""

import logging
import os

from django.db.models import F, Q
from django.utils import timezone

from celery_uncovered.jobs import idle, node
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)


def claim_job(task_id: str, *, attempt: int, task: str) -> RunningAttempt | None:
    """Claim ``task_id`` for its attempt number ``attempt``.

    None means that there is nothing to do: the message is a duplicate or of an earlier attempt, or
    the job is cancelled, expired or unknown. An expired job is revoked on the way, and one that was
    cancelled while an attempt ran that did not get to stop.
    """
    now = timezone.now()
    identity = node.worker_node()
    pid = os.getpid()
    free = Job.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        id=task_id,
        state=State.QUEUED,
        attempt=attempt - 1,
        cancel_requested=False,
    )
    if free.update(
        state=State.STARTED,
        attempt=F("attempt") + 1,
        lease_node=identity.id,
        lease_pid=pid,
        started_at=now,
    ):
        return RunningAttempt(
            task_id=task_id, number=attempt, task=task, started_at=now, node=identity.id, pid=pid
        )
    if not idle.expire(task_id) and not idle.revoke_cancelled(task_id):
        log.info("Attempt %d of job %s is not to be run; its message is dropped", attempt, task_id)
    return None


def resume(task_id: str, attempt: int) -> RunningAttempt | None:
    """The attempt that this very process has claimed, though the answer never reached it."""
    identity, pid = node.worker_node(), os.getpid()
    mine = Job.objects.filter(
        id=task_id, attempt=attempt, state=State.STARTED, lease_node=identity.id, lease_pid=pid
    )
    job = mine.only("task", "started_at").first()
    if job is None or job.started_at is None:
        return None
    return RunningAttempt(
        task_id=task_id,
        number=attempt,
        task=job.task,
        started_at=job.started_at,
        node=identity.id,
        pid=pid,
    )
