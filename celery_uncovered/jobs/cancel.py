"""Cancelling: at once where a job waits, at its next report or check where it runs."""

from django.db import transaction
from django.db.models import Q

from celery_uncovered.jobs import settle
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import LIVE

REASON = "The job was cancelled."


def cancel_job(task_id: str) -> bool:
    """Cancel a job and those it started; False if it had ended already.

    A waiting job is revoked now. A running one is asked to stop, and is revoked at its next
    progress report or check; one that handed over to a chord or chain is revoked now.
    """
    with transaction.atomic():
        live = Job.objects.filter(state__in=LIVE)
        if not live.filter(id=task_id).update(cancel_requested=True):
            return False
        family = live.filter(Q(id=task_id) | Q(root_id=task_id))
        family.update(cancel_requested=True)
        settle.revoke_waiting(family.filter(lease_node=None).values_list("id", flat=True), REASON)
    return True
