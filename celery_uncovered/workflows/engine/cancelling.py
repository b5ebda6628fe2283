"""Cancelling runs with the children that they have started."""

from django.db import transaction
from django.utils import timezone

from celery_uncovered.workflows.engine import statements, waiting
from celery_uncovered.workflows.models import Run, Wait
from celery_uncovered.workflows.states import LIVE, RunState


def cancel_family(run_id: str) -> bool:
    """Cancel a run and its children; False if the run itself was over before.

    Rows are locked one at a time, parents before children: so no two cancels wait for each other.
    """
    is_cancelled = _cancel_one(run_id)
    cancel_children(run_id)
    return is_cancelled


def conclude(run_id: str, epoch: int) -> bool:
    """End a run of ours that somebody has cancelled meanwhile, and tell who waits for it; False if nobody has."""
    with transaction.atomic():
        is_cancelled = bool(statements.cancel_now(run_id, epoch))
        if is_cancelled:
            waiting.advance_later(statements.tell_waiting([run_id]))
    if is_cancelled:
        # Those that it has started since then.
        cancel_children(run_id)
    return is_cancelled


def cancel_children(run_id: str) -> None:
    waiting_ids = _live_children(run_id)
    while waiting_ids:
        one = waiting_ids.pop()
        _cancel_one(one)
        waiting_ids += _live_children(one)


def _live_children(run_id: str) -> list[str]:
    children = Run.objects.filter(parent_id=run_id, state__in=LIVE)
    return list(children.values_list("id", flat=True))


def _cancel_one(run_id: str) -> bool:
    now = timezone.now()
    run, waits = Run.objects.filter(id=run_id), Wait.objects.filter(run_id=run_id)
    with transaction.atomic():
        # Waits before their run, as who ends a child and wakes its parent.
        if list(waits.select_for_update().values_list("id", flat=True)):
            waits.delete()
        ended = run.filter(state__in=[one for one in LIVE if one != RunState.RUNNING]).update(
            state=RunState.CANCELLED, cancel_requested=True, since=now, finished_at=now
        )
        if ended:
            waiting.advance_later(statements.tell_waiting([run_id]))
            return True
        return bool(run.filter(state=RunState.RUNNING).update(cancel_requested=True))
