"""Bringing back what dead workers held: their jobs are queued again, up to a limit."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from celery_uncovered.jobs import looks, settle
from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.errors import NothingFollowedError
from celery_uncovered.jobs.idle import CANCELLED
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Attempt, Job, Node
from celery_uncovered.jobs.node import Identity, is_surely_dead
from celery_uncovered.jobs.patience import will_pass
from celery_uncovered.jobs.states import WAITING, AttemptOutcome, State
from celery_uncovered.jobs.submit import import_tasks

log = logging.getLogger(__name__)

#: How many workers a job may take with it before it is left as a failure.
MAX_LOST = 5


def recover_dead_nodes() -> int:
    """Queue the jobs of nodes that are gone again; how many jobs."""
    recovered = 0
    dead = _dead_nodes()
    for node in Node.objects.filter(id__in=dead) if dead else ():
        log.warning("Worker %s is gone; its jobs are queued again", node.name)
        recovered += _recover_leases(node.id)
        node.delete()
    for lease in _orphaned_leases() if looks.finds(looks.STARTED) else ():
        recovered += _recover_leases(lease)
    return recovered


def _dead_nodes() -> list[str]:
    # The database's clock, which wrote the beats: workers' clocks may differ.
    stale = Node.objects.filter(beat_at__lt=Now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS))
    silent = Exists(stale.filter(id=OuterRef("id")))
    nodes = Node.objects.annotate(is_silent=silent)
    return [node.id for node in nodes if node.is_silent or is_surely_dead(_identity(node))]


def _orphaned_leases() -> list[str]:
    """Leases of nodes that have no row: signed off, or recovered, with a job still in hand."""
    stale = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    known = set(Node.objects.values_list("id", flat=True))
    return [
        lease
        for lease in _leases()
        if lease not in known
        and Job.objects.filter(state=State.STARTED, lease_node=lease, started_at__lt=stale).exists()
    ]


def _leases() -> Iterator[str]:
    """The nodes that hold jobs: a look at the index for each node, not for each job."""
    leases = Job.objects.filter(state=State.STARTED).order_by("lease_node")
    names = leases.values_list("lease_node", flat=True)
    last = ""
    while lease := names.filter(lease_node__gt=last).first():
        last = lease
        yield lease


def bring_back(job: Job, reason: str) -> bool:
    """Queue a job again whose attempt was lost, or fail it with its last; False if it was not.

    What waits for a job that fails here, a chord or errbacks, hears of it. One that was cancelled is
    revoked: its process may have been ended for that.
    """
    if job.cancel_requested:
        import_tasks()
        request = request_of(job)
        setattr(request, ATTEMPT_HEADER, job.attempt)
        current_app.backend.mark_as_revoked(job.id, CANCELLED, request=request)
        return False
    if job.times_lost + 1 >= MAX_LOST:
        import_tasks()
        request = request_of(job)
        setattr(request, ATTEMPT_HEADER, job.attempt)
        error = WorkerLostError(f"The worker died {MAX_LOST} times while it ran this job.")
        fail(job, error, request)
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
    return each(held, lambda job: bring_back(job, "The worker died."))


def fail(job: Job, error: Exception, request: Any) -> None:
    """Record the failure, and if need be without the copy, which must not keep a job from ending."""
    try:
        current_app.backend.mark_as_failure(job.id, error, request=request)
    except Exception as problem:
        if will_pass(problem):
            raise
        # Whatever it is, the next attempt would meet it too.
        log.warning("The result of job %s is not kept: %r", job.id, problem)
        current_app.backend.mark_as_failure(job.id, error, request=request, store_result=False)


def each(jobs: Iterable[Job], act: Callable[[Job], bool]) -> int:
    """Do ``act`` to each job; how many it changed. A job that cannot be helped holds up no other."""
    changed = 0
    for job in jobs:
        try:
            changed += act(job)
        except Exception as problem:
            if will_pass(problem):
                raise
            log.exception("Job %s could not be recovered", job.id)
    return changed


def fail_abandoned() -> int:
    """Fail the jobs that handed over to what is gone: nothing of their family lives; how many."""
    if not looks.finds(looks.STARTED):
        return 0
    ids = _abandoned().order_by("-started_at").values_list("id", flat=True)
    # One after another: the end of one may end, or go on with, what it was a part of.
    return each((job for id_ in list(ids) for job in _abandoned().filter(id=id_)), _fail_abandoned)


def _abandoned() -> Any:
    stale = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    # Those that handed over themselves wait as well, and bring nothing on.
    is_alive = Q(state__in=WAITING) | Q(state=State.STARTED, lease_node__isnull=False)
    family = Job.objects.filter(is_alive, root_id=OuterRef("root_id"))
    return Job.objects.filter(
        ~Exists(family), state=State.STARTED, lease_node=None, started_at__lt=stale
    )


def _fail_abandoned(job: Job) -> bool:
    import_tasks()
    fail(job, NothingFollowedError(job.id), request_of(job))
    return True


def _identity(node: Node) -> Identity:
    return Identity(
        host=node.host, boot_id=node.boot_id, pid=node.pid, process_start=node.process_start
    )
