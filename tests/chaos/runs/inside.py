"""What a run of chaos calls in a process of the project."""

from collections import Counter
from typing import Any

from django.contrib.auth.models import User

from celery_uncovered.jobs.models import Job
from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.models import Event, Run, Step
from celery_uncovered.workflows.states import FINAL, RunState
from tests.chaos.runs.journeys import workflows as journeys


def start(batch: list[tuple[str, str, int]]) -> None:
    """Start these journeys; again after an answer that was lost, without harm."""
    for kind, name, size in batch:
        workflow = getattr(journeys, kind)
        workflows.start(workflow.keyed(name, afterwards="return"), name, size)


def send(events: list[tuple[str, int]]) -> None:
    """Send these events, number by number; again without harm."""
    for journey, number in events:
        workflows.send_event(journey, number, dedup_id=f"{journey} {number}")


def unfinished() -> int:
    return Run.objects.exclude(state__in=FINAL).count()


def resume_dead_letters() -> int:
    """Those that were killed with their processes five times in a row, by chance."""
    dead = Run.objects.filter(state=RunState.DEAD).values_list("id", flat=True)
    return len(workflows.resume_many(list(dead)))


def states() -> dict[str, int]:
    return dict(Counter(Run.objects.values_list("state", flat=True)))


def stuck() -> list[str]:
    """What is not over, and the job that has it: to be read by people."""
    runs = list(Run.objects.exclude(state__in=FINAL).order_by("id")[:100])
    held = Job.objects.in_bulk([run.lease_job for run in runs if run.lease_job])
    of_run = ("key", "state", "since", "epoch", "crashes", "lease_job")
    of_job = (
        "state",
        "attempt",
        "lease_node",
        "lease_pid",
        "started_at",
        "queued_at",
        "published_at",
    )
    return [
        f"{[str(getattr(run, name)) for name in of_run]}"
        f" {[str(getattr(held.get(run.lease_job or ''), name, None)) for name in of_job]}"
        for run in runs
    ]


def runs() -> list[dict[str, Any]]:
    columns = ("id", "key", "state", "epoch", "crashes", "result", "error", "parent_id")
    return list(Run.objects.order_by("id").values(*columns))


def steps() -> list[list[Any]]:
    columns = ("run_id", "number", "branch", "label", "kind", "is_error", "value")
    rows = Step.objects.order_by("run_id", "number").values_list(*columns)
    return [list(row) for row in rows]


def events() -> list[list[Any]]:
    return [list(row) for row in Event.objects.order_by("id").values_list("key", "taken_by_id")]


def bookings() -> dict[str, list[str]]:
    """The rows of atomic steps, by their place: the tokens of each."""
    found: dict[str, list[str]] = {}
    for place, token in User.objects.filter(first_name__contains="|").values_list(
        "first_name", "username"
    ):
        found.setdefault(place, []).append(token)
    return found
