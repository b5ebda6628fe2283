"""Runs of processes that died: each is charged, and goes on alone, so that a guilty one is found."""

import logging
from datetime import timedelta

from django.db.models import DurationField, Exists, ExpressionWrapper, F, Max, OuterRef, Q, Value
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.definitions import known_workflows
from celery_uncovered.workflows.engine import statements, waiting
from celery_uncovered.workflows.models import Event, Run, Wait
from celery_uncovered.workflows.states import FINAL, RunState

log = logging.getLogger(__name__)

#: So many processes may die over a run in a row, without a step recorded, before it is a dead letter.
MOST_CRASHES = 5
#: A run that is ready has a job on its way; after so long it is given another one, and after twice as
#: long a further one, and so on: no worker may be there for days. But never later than MOST_PATIENT.
FORGOTTEN_AFTER = timedelta(seconds=15)
MOST_PATIENT = timedelta(hours=1)
#: Runs that one step of a sweep takes up.
MANY = 2000


def let_go_of(job: str) -> None:
    """Give up the runs that an earlier attempt of this job held when its process died."""
    for run in Run.objects.filter(lease_job=job, state=RunState.RUNNING):
        charge(run)


def sweep() -> int:
    """Bring on what no job will; how many.

    Those are runs that are ready and forgotten, that a failed job held, that nobody woke for an event,
    and blocked ones whose code has changed.
    """
    steps = (_held_by_none, _forgotten, wake_untold, _with_other_code)
    return sum(step() for step in steps)


def _held_by_none() -> int:
    """The process that held them is gone, and its job will not come again."""
    leases = Run.objects.filter(state=RunState.RUNNING).values_list("lease_job", flat=True)
    held = [job for job in leases.distinct() if job]
    states = jobs.job_states(held)
    ended = [job for job in held if states.get(job, jobs.State.FAILURE) in jobs.FINAL]
    for job in ended:
        let_go_of(job)
    return len(ended)


def _forgotten() -> int:
    """Ready for long: the process died between making them so and submitting the job."""
    now = timezone.now()
    bound = now - FORGOTTEN_AFTER
    before = ExpressionWrapper(F("sent_again_at") - F("since"), DurationField())
    after = ExpressionWrapper(Value(now) - F("sent_again_at"), DurationField())
    is_long = Q(after__gt=F("before")) | Q(sent_again_at__lt=now - MOST_PATIENT)
    ready = Run.objects.filter(state=RunState.READY, since__lt=bound)
    ready = ready.exclude(queue__in=jobs.paused_queues())
    ready = ready.annotate(before=before, after=after).filter(
        Q(sent_again_at=None) | Q(is_long, sent_again_at__lt=bound)
    )
    ids = list(ready.order_by("since").values_list("id", flat=True)[:MANY])
    # So that the next sweep leaves them alone for a while; since when it is ready is not forgotten.
    Run.objects.filter(id__in=ids, state=RunState.READY).update(sent_again_at=now)
    waiting.advance_later(ids)
    return len(ids)


def wake_untold() -> int:
    """An event or a child's end came, and nobody is left who would wake the run.

    Who brought it died first; or it came while the run was being suspended, and who suspended it
    died before looking again.
    """
    parked = Wait.objects.filter(run__state=RunState.WAITING)
    arrived = Event.objects.filter(taken_by=None).values("key")
    ended = Run.objects.filter(id=OuterRef("key"), state__in=FINAL)
    told = parked.filter(
        Q(kind=waiting.EVENT, key__in=arrived)
        | Q(fired=True)
        | Q(Exists(ended), kind=waiting.CHILD)
    )
    ids = list(told.values_list("run_id", flat=True).distinct()[:MANY])
    woken = statements.wake(ids)
    waiting.advance_later(woken)
    return len(woken)


def _with_other_code() -> int:
    """Blocked runs are tried again once with each version of their workflow's code."""
    blocked = Run.objects.filter(state=RunState.BLOCKED)
    ready = [
        run_id
        for run_id, name, code in blocked.values_list("id", "workflow", "blocked_code")[:MANY]
        if (known := known_workflows().get(name)) is not None and known.code != code
    ]
    changed = Run.objects.filter(id__in=ready, state=RunState.BLOCKED)
    changed.update(state=RunState.READY, since=timezone.now(), error="")
    waiting.advance_later(ready)
    return len(ready)


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
