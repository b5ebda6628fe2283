"""Cancelling: at once where a job waits, at its next report or check where it runs."""

from collections import defaultdict

from django.db import transaction

from celery_uncovered.jobs import idle
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import LIVE


def cancel_job(task_id: str, *, terminate: bool = False) -> bool:
    """Cancel a job and those it started; False if it had ended already.

    A waiting job is revoked now. A running one is asked to stop, and is revoked at its next
    progress report or check; one that handed over to a chord or chain is revoked now.

    With ``terminate`` a running job does not have its say: its worker ends the process within some
    two seconds. What the task had begun stays as it is. A worker with a pool of threads cannot do
    that, and asks.
    """
    wishes = {"cancel_requested": True} | ({"terminate_requested": True} if terminate else {})
    with transaction.atomic():
        live = Job.objects.filter(state__in=LIVE)
        if not live.filter(id=task_id).update(**wishes):
            return False
        family = live.filter(id__in=[task_id, *_descendants(task_id)])
        family.update(**wishes)
        others = family.filter(lease_node=None).exclude(id=task_id)
        # The job itself first: it is cancelled, and does not fail because a part of it was.
        idle.revoke_idle([task_id, *others.values_list("id", flat=True)], idle.CANCELLED)
    return True


def _descendants(task_id: str) -> list[str]:
    """The ids of the jobs that this one started, and those that they started."""
    root = Job.objects.filter(id=task_id).values("root_id")
    pairs = Job.objects.filter(root_id__in=root).values_list("id", "parent_id")
    children: dict[str | None, list[str]] = defaultdict(list)
    for child, parent in pairs:
        children[parent].append(child)
    found: list[str] = []
    waiting = [task_id]
    while waiting:
        new = [child for child in children.pop(waiting.pop(), []) if child != task_id]
        found += new
        waiting += new
    return found
