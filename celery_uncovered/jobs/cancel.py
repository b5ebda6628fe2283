"""Cancelling: at once where a job waits, at its next report or check where it runs."""

from django.db import transaction
from django.db.models import Q

from celery_uncovered.jobs import idle
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import LIVE


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
        others = family.filter(lease_node=None).exclude(id=task_id)
        # The job itself first: it is cancelled, and does not fail because a part of it was.
        idle.revoke_idle([task_id, *others.values_list("id", flat=True)], idle.CANCELLED)
    return True
