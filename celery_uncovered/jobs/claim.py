"""Claiming: one guarded UPDATE makes an attempt the only one that may work on a job."""

import logging
import os

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from celery_uncovered.jobs import idle, node
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)


def claim_job(task_id: str, *, attempt: int, task: str) -> RunningAttempt | None:
    """Claim ``task_id`` for its attempt number ``attempt``, and record that it began.

    None means that there is nothing to do: the message is a duplicate or of an earlier attempt, or
    the job is cancelled, expired or unknown. An expired job is revoked on the way, and one that was
    cancelled while an attempt ran that did not get to stop.
    """
    now = timezone.now()
    identity = node.worker_node()
    pid = os.getpid()
    with transaction.atomic():
        free = Job.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=now),
            id=task_id,
            state=State.QUEUED,
            attempt=attempt - 1,
            cancel_requested=False,
        )
        claimed = free.update(
            state=State.STARTED,
            attempt=F("attempt") + 1,
            lease_node=identity.id,
            lease_pid=pid,
            started_at=now,
        )
        if claimed:
            Attempt.objects.create(
                job_id=task_id,
                number=attempt,
                task=task,
                started_at=now,
                node=identity.id,
                host=identity.host,
                pid=pid,
            )
    if claimed:
        return RunningAttempt(task_id=task_id, number=attempt, task=task)
    if not idle.expire(task_id) and not idle.revoke_cancelled(task_id):
        log.info("Attempt %d of job %s is not to be run; its message is dropped", attempt, task_id)
    return None


def resume(task_id: str, attempt: int) -> RunningAttempt | None:
    """The attempt that this very process has claimed, though the answer never reached it."""
    mine = Job.objects.filter(
        id=task_id,
        attempt=attempt,
        state=State.STARTED,
        lease_node=node.worker_node().id,
        lease_pid=os.getpid(),
    )
    task = mine.values_list("task", flat=True).first()
    if task is None:
        return None
    return RunningAttempt(task_id=task_id, number=attempt, task=task)
