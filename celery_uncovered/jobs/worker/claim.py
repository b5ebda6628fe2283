"""Claiming: one guarded UPDATE makes an attempt the only one that may work on a job."""

import logging
import os
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from celery_uncovered.jobs import idle, node, statements
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.models import Job, PausedQueue
from celery_uncovered.jobs.patience import patiently
from celery_uncovered.jobs.states import WAITING, State

log = logging.getLogger(__name__)


def claim_job(task_id: str, *, attempt: int, task: str) -> RunningAttempt | None:
    """Claim ``task_id`` for its attempt number ``attempt``.

    None means that there is nothing to do: the message is a duplicate or of an earlier attempt, or
    the job is cancelled, expired or unknown, or its queue paused. An expired job is revoked on the way,
    and one that was cancelled while an attempt ran that did not get to stop.
    """
    now = timezone.now()
    identity = node.worker_node()
    pid = os.getpid()
    free = Job.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        ~Exists(PausedQueue.objects.filter(queue=OuterRef("queue"), resumed_at=None)),
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


def claim_many(wanted: Sequence[tuple[str, int]]) -> tuple[set[str], datetime]:
    """Claim jobs for the attempts beside their ids: the ids of those that are ours, and since when.

    Waits for a database that is away. What is refused is dropped as ``claim_job`` drops it.
    """
    identity, pid, now = node.worker_node(), os.getpid(), timezone.now()
    tries = 0

    def act() -> set[str]:
        nonlocal tries
        tries += 1
        # The answer to an earlier try may have been lost after its commit; its stamp is ours alone.
        ours = _claimed_since(now, wanted, identity.id, pid) if tries > 1 else set()
        rest = [one for one in wanted if one[0] not in ours]
        if rest:
            ours |= set(statements.claim_many(rest, node=identity.id, pid=pid, now=now))
        return ours

    claimed = patiently(act, f"The claim of {len(wanted)} jobs")
    refused = [task_id for task_id, _ in wanted if task_id not in claimed]
    if refused:
        patiently(lambda: _drop(refused), f"{len(refused)} jobs that are not free")
    return claimed, now


def unclaim_many(held: Sequence[tuple[str, int]]) -> list[str]:
    """Give back jobs that this process claimed and never began, without using up an attempt."""
    return statements.unclaim_many(held, node=node.worker_node().id, pid=os.getpid())


def _claimed_since(
    now: datetime, wanted: Sequence[tuple[str, int]], node_id: str, pid: int
) -> set[str]:
    ours = Job.objects.filter(
        id__in=[task_id for task_id, _ in wanted],
        state=State.STARTED,
        lease_node=node_id,
        lease_pid=pid,
        started_at=now,
    )
    return set(ours.values_list("id", flat=True))


def _drop(refused: Sequence[str]) -> None:
    """Messages of jobs that are not free: revoke those that expired or were cancelled.

    Those whose queue is paused the dispatcher sends again when it is resumed.
    """
    now = timezone.now()
    ended = Q(expires_at__lte=now) | Q(cancel_requested=True)
    for task_id in Job.objects.filter(ended, id__in=refused, state__in=WAITING).values_list(
        "id", flat=True
    ):
        idle.expire(task_id) or idle.revoke_cancelled(task_id)
    log.info("The messages of %d jobs are dropped: %s", len(refused), ", ".join(refused))


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
