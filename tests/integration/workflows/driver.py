"""Advancing runs in the process of a test, as a worker's job and the dispatcher would."""

import time
from collections.abc import Callable
from typing import Any

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine import claims, timers
from celery_uncovered.workflows.engine.hub import Hub
from celery_uncovered.workflows.models import Run, Step
from celery_uncovered.workflows.states import FINAL, PARKED

JOB = "a job of the test"
SECONDS = 20.0


def advance(*run_ids: str, job: str = JOB) -> None:
    """What one job does."""
    hub = Hub(more=lambda room: claims.claim_ready("default", job=job, limit=room))
    hub.run(claims.claim_runs(run_ids, job=job))


def drive(*run_ids: str, until: Callable[[], bool] | None = None) -> None:
    """Advance all that is ready and wake what is due, until these runs are over or ``until`` holds."""
    deadline = time.monotonic() + SECONDS
    while not (until() if until else is_over(*run_ids)):
        assert time.monotonic() < deadline, [shown(run_id) for run_id in run_ids]
        advance()
        timers.wake_due()
        time.sleep(0.01)


def is_over(*run_ids: str) -> bool:
    over = [*FINAL, *(state for state in PARKED if state != "WAITING")]
    return not Run.objects.filter(id__in=run_ids).exclude(state__in=over).exists()


def is_waiting(run_id: str) -> bool:
    return bool(Run.objects.filter(id=run_id, state="WAITING").exists())


def park(handle: "workflows.Handle[Any]") -> None:
    """Advance a run until it waits."""
    drive(handle.id, until=lambda: is_waiting(handle.id))


def steps(run_id: str) -> list[tuple[str, str, str]]:
    """Branch with label, kind and value of what is recorded."""
    recorded = Step.objects.filter(run_id=run_id).order_by("number")
    return [(f"{one.branch}{one.label}", one.kind, one.value) for one in recorded]


def shown(run_id: str) -> str:
    run = Run.objects.get(id=run_id)
    return f"{run.workflow} is {run.state} (epoch {run.epoch}): {run.error}"


def run_of(handle: "workflows.Handle[Any]") -> Run:
    return Run.objects.get(id=handle.id)
