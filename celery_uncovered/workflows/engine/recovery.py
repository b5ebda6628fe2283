"""Runs of processes that died: each is charged, and goes on alone, so that a guilty one is found."""

import logging

from django.db.models import Max
from django.utils import timezone

from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.models import Run
from celery_uncovered.workflows.states import RunState

log = logging.getLogger(__name__)

#: So many processes may die over a run in a row, without a step recorded, before it is a dead letter.
MOST_CRASHES = 5


def let_go_of(job: str) -> None:
    """Give up the runs that an earlier attempt of this job held when its process died."""
    for run in Run.objects.filter(lease_job=job, state=RunState.RUNNING):
        charge(run)


def charge(run: Run) -> None:
    """Count a crash; the run is ready again, by a job of its own, or a dead letter."""
    number = run.steps.aggregate(last=Max("number"))["last"] or 0
    crashes = run.crashes + 1 if number == run.crashed_at else 1
    is_dead = crashes >= MOST_CRASHES
    now = timezone.now()
    held = Run.objects.filter(id=run.id, epoch=run.epoch, state=RunState.RUNNING)
    changed = held.update(
        state=RunState.DEAD if is_dead else RunState.READY,
        crashes=crashes,
        crashed_at=number,
        lease_job=None,
        since=now,
        error=f"Its worker process died {crashes} times in a row over it." if is_dead else "",
    )
    if changed and is_dead:
        log.error("Run %s is a dead letter: %d processes died over it", run.id, crashes)
    elif changed:
        waiting.submit_advance([run.id], run.queue)
