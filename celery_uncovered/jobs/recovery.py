"""Bringing back what dead workers held: their jobs are queued again, up to a limit."""

import logging
from datetime import timedelta

from billiard.exceptions import WorkerLostError
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from celery_uncovered.jobs import settle
from celery_uncovered.jobs.errors import NothingFollowedError
from celery_uncovered.jobs.idle import request_of
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Attempt, Job, Node
from celery_uncovered.jobs.node import Identity, is_surely_dead, process_start
from celery_uncovered.jobs.states import LIVE, AttemptOutcome, State
from celery_uncovered.jobs.submit import import_tasks

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
    # The database's clock, which wrote the beats: workers' clocks may differ.
    stale = Node.objects.filter(beat_at__lt=Now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS))
    silent = set(stale.values_list("id", flat=True))
    return [
        node.id
        for node in Node.objects.all()
        if node.id in silent or is_surely_dead(_identity(node))
    ]


def _orphaned_leases() -> list[str]:
    """Leases of nodes that have no row: signed off, or recovered, with a job still in hand."""
    leases = Job.objects.filter(state=State.STARTED, lease_node__isnull=False)
    stale = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    orphaned = leases.exclude(lease_node__in=Node.objects.values("id")).filter(started_at__lt=stale)
    return [str(lease) for lease in orphaned.values_list("lease_node", flat=True).distinct()]


def recover_lost_children(node_id: str, reason: str = "The worker process died.") -> int:
    """Queue the jobs of a living node's dead processes again; how many. Call it on that host."""
    held = Job.objects.filter(state=State.STARTED, lease_node=node_id)
    return sum(
        bring_back(job, reason)
        for job in held
        if job.lease_pid is not None and process_start(job.lease_pid) is None
    )


def bring_back(job: Job, reason: str) -> bool:
    """Queue a job again whose attempt was lost, or fail it with its last; False if it was not.

    What waits for a job that fails here, a chord or errbacks, hears of it.
    """
    if job.times_lost + 1 >= MAX_LOST:
        import_tasks()
        request = request_of(job)
        setattr(request, ATTEMPT_HEADER, job.attempt)
        error = WorkerLostError(f"The worker died {MAX_LOST} times while it ran this job.")
        current_app.backend.mark_as_failure(job.id, error, request=request)
        return Attempt.objects.filter(
            job=job, number=job.attempt, outcome=AttemptOutcome.FAILURE
        ).exists()
    with transaction.atomic():
        is_back = settle.give_back(job.id, attempt=job.attempt, reason=reason)
        if is_back:
            Job.objects.filter(id=job.id).update(times_lost=F("times_lost") + 1)
    return is_back


def _recover_leases(node_id: str) -> int:
    held = Job.objects.filter(state=State.STARTED, lease_node=node_id)
    return sum(bring_back(job, "The worker died.") for job in held)


def fail_abandoned() -> int:
    """Fail the jobs that handed over to what is gone: nothing of their family lives; how many."""
    stale = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    family = Job.objects.filter(root_id=OuterRef("root_id"), state__in=LIVE)
    abandoned = Job.objects.filter(
        ~Exists(family.exclude(id=OuterRef("id"))),
        state=State.STARTED,
        lease_node=None,
        started_at__lt=stale,
    )
    return sum(_fail_abandoned(job) for job in abandoned)


def _fail_abandoned(job: Job) -> bool:
    import_tasks()
    error = NothingFollowedError(job.id)
    current_app.backend.mark_as_failure(job.id, error, request=request_of(job))
    return True


def _identity(node: Node) -> Identity:
    return Identity(
        host=node.host, boot_id=node.boot_id, pid=node.pid, process_start=node.process_start
    )
