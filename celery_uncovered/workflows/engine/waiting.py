"""What runs wait for: which waits can end now, and who is told when something comes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import statements
from celery_uncovered.workflows.engine.branch import Branch
from celery_uncovered.workflows.engine.execution import Execution
from celery_uncovered.workflows.models import Event, Run, Wait
from celery_uncovered.workflows.states import FINAL, RunState

TIME, EVENT, CHILD, BACKOFF = "time", "event", "child", "backoff"
ADVANCE = "celery_uncovered.workflows.tasks.advance_runs"
#: Runs that one job begins with.
CHUNK = 100
NOTHING = "null"


class Answer(NamedTuple):
    """The JSON text that a wait ends with; ``event`` is the id of the event that it takes."""

    text: str
    event: int | None = None


def settle(executions: Sequence[Execution], now: datetime) -> list[list[tuple[Branch, Answer]]]:
    """For each execution the waits that can end now.

    An event counts before the time-out that comes with it; a late one is left for others.
    """
    events = _events_for(executions)
    children = _final_of(executions)
    answers: list[list[tuple[Branch, Answer]]] = []
    for execution in executions:
        found: list[tuple[Branch, Answer]] = []
        for branch, parked in execution.parked.items():
            if parked.kind == EVENT and (waiting := events.get(parked.key or "")):
                event = _first_since(waiting, execution.run.events_since)
                if event is not None:
                    found.append((branch, Answer(f"[{event.payload}]", event.id)))
                    continue
            if (parked.kind == CHILD and parked.key in children) or (
                parked.due_at is not None and parked.due_at <= now
            ):
                found.append((branch, Answer(NOTHING)))
        answers.append(found)
    return answers


def _keys(executions: Iterable[Execution], kind: str) -> set[str]:
    return {
        parked.key
        for execution in executions
        for parked in execution.parked.values()
        if parked.kind == kind and parked.key is not None
    }


def _events_for(executions: Sequence[Execution]) -> dict[str, list[Event]]:
    keys = _keys(executions, EVENT)
    found: dict[str, list[Event]] = {}
    if keys:
        waiting = Event.objects.filter(key__in=keys, taken_by=None).order_by("id")
        for event in waiting[: 10 * len(keys) + 100]:
            found.setdefault(event.key, []).append(event)
    return found


def _first_since(events: list[Event], moment: datetime) -> Event | None:
    """Take the first one that concerns the run off the list: no two runs are given the same."""
    for index, event in enumerate(events):
        if event.arrived_at >= moment:
            return events.pop(index)
    return None


def _final_of(executions: Sequence[Execution]) -> set[str]:
    ids = _keys(executions, CHILD)
    if not ids:
        return set()
    final = Run.objects.filter(id__in=ids, state__in=FINAL)
    return set(final.values_list("id", flat=True))


def look_again(run_ids: Iterable[str]) -> None:
    """Wake those of these runs for which something came while they were being suspended."""
    waits = Wait.objects.filter(run_id__in=set(run_ids), run__state=RunState.WAITING)
    keys = dict.fromkeys(waits.filter(kind=EVENT).values_list("key", flat=True))
    arrived = Event.objects.filter(key__in=keys, taken_by=None).values("key")
    ended = Run.objects.filter(state__in=FINAL).values("id")
    told = set(waits.filter(kind=EVENT, key__in=arrived).values_list("run_id", flat=True))
    told |= set(waits.filter(kind=CHILD, key__in=ended).values_list("run_id", flat=True))
    advance_later(statements.wake(told))


def advance_later(run_ids: Sequence[str]) -> None:
    """Have runs that are ready advanced by jobs, many by each."""
    if not run_ids:
        return
    queues: dict[str, list[str]] = {}
    for run_id, queue in Run.objects.filter(id__in=run_ids).values_list("id", "queue"):
        queues.setdefault(queue, []).append(run_id)
    for queue, ids in queues.items():
        submit_advance(ids, queue)


def submit_advance(ids: Sequence[str], queue: str) -> None:
    # The job is no run's alone: each has its own scope.
    with jobs.scope.exactly(None):
        for start in range(0, len(ids), CHUNK):
            jobs.submit(ADVANCE, args=[list(ids[start : start + CHUNK]), queue], queue=queue)
