"""Ending jobs that nobody works on: they expired, or were cancelled. What waits for them hears of it."""

import logging
from collections.abc import Iterable

from celery import current_app
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from celery_uncovered.jobs import looks
from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import LIVE, WAITING
from celery_uncovered.jobs.submit import import_tasks

log = logging.getLogger(__name__)

EXPIRED = "The job expired before it could start."
CANCELLED = "The job was cancelled."


def expire(task_id: str | None = None) -> int:
    """Revoke the waiting jobs whose time ran out (only ``task_id``, if given); how many."""
    now = timezone.now()
    if not looks.finds(looks.EXPIRED, now):
        return 0
    waiting = Job.objects.filter(state__in=WAITING, expires_at__lte=now)
    if task_id is not None:
        waiting = waiting.filter(id=task_id)
    return sum(_expire(id_) for id_ in list(waiting.values_list("id", flat=True)))


def revoke_cancelled(task_id: str) -> int:
    """Revoke a job that waits although it was cancelled: it was retried, or its worker died."""
    cancelled = Job.objects.filter(id=task_id, cancel_requested=True)
    return revoke_idle(cancelled.values_list("id", flat=True), CANCELLED)


def revoke_idle(task_ids: Iterable[str], reason: str) -> int:
    """Revoke those jobs that are in no attempt, in this order; how many there were."""
    return sum(_revoke(task_id, reason) for task_id in list(task_ids))


def _expire(task_id: str) -> bool:
    try:
        return _revoke(task_id, EXPIRED)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # It holds up no other; it is not run either, and the next round tries again.
        log.exception("Job %s has expired, and cannot be revoked", task_id)
        return False


def _revoke(task_id: str, reason: str) -> bool:
    # A chord that fires here must find its tasks.
    import_tasks()
    with transaction.atomic():
        # Locked: a worker that claims it at this moment comes before or after, not between.
        idle = Job.objects.select_for_update().filter(lease_node=None, state__in=LIVE)
        job = idle.filter(id=task_id).first()
        if job is not None:
            current_app.backend.mark_as_revoked(task_id, reason, request=request_of(job))
    return job is not None
