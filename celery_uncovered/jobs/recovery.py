"""Bringing back what dead workers held: their jobs are queued again, up to a limit."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from celery_uncovered.jobs import settle
from celery_uncovered.jobs.models import Job, Node
from celery_uncovered.jobs.node import Identity, is_surely_dead
from celery_uncovered.jobs.settle import Outcome
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)

#: How many workers a job may take with it before it is left as a failure.
MAX_LOST = 5


def recover_dead_nodes() -> int:
    """Queue the jobs of nodes that are gone again; how many jobs."""
    recovered = 0
    for node in Node.objects.filter(id__in=_dead_nodes()):
        log.warning("Worker %s is gone; its jobs are queued again", node.name)
        recovered += _recover_leases(node.id)
        node.delete()
    for lease in _orphaned_leases():
        recovered += _recover_leases(lease)
    return recovered


def _dead_nodes() -> list[str]:
    stale = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    return [
        node.id
        for node in Node.objects.all()
        if node.beat_at < stale or is_surely_dead(_identity(node))
    ]


def _orphaned_leases() -> list[str]:
    """Leases of nodes that have no row: signed off, or recovered, with a job still in hand."""
    leases = Job.objects.filter(state=State.STARTED, lease_node__isnull=False)
    stale = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    orphaned = leases.exclude(lease_node__in=Node.objects.values("id")).filter(started_at__lt=stale)
    return [str(lease) for lease in orphaned.values_list("lease_node", flat=True).distinct()]


def _recover_leases(node_id: str) -> int:
    held = Job.objects.filter(state=State.STARTED, lease_node=node_id)
    return sum(
        _recover(task_id, attempt, lost)
        for task_id, attempt, lost in held.values_list("id", "attempt", "times_lost")
    )


def _recover(task_id: str, attempt: int, times_lost: int) -> int:
    if times_lost + 1 >= MAX_LOST:
        error = f"The worker died {MAX_LOST} times while it ran this job."
        return settle.finish(task_id, Outcome(state=State.FAILURE, error=error), attempt=attempt)
    if not settle.give_back(task_id, attempt=attempt, reason="The worker died."):
        return 0
    Job.objects.filter(id=task_id).update(times_lost=F("times_lost") + 1)
    return 1


def _identity(node: Node) -> Identity:
    return Identity(
        host=node.host, boot_id=node.boot_id, pid=node.pid, process_start=node.process_start
    )
