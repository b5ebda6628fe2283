"""What the tests of workers call in the stack's own process."""

import json
from datetime import datetime
from typing import Any

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.models import Run, Step
from tests.integration.jobs import helpers
from tests.support.app import workflows as examples

#: Runs that are started together, and the steps of each.
BATCH, STEPS = 10, 8


def start_batch(number: int) -> None:
    names = [[f"{number}-{one}", STEPS] for one in range(BATCH)]
    workflows.start_many(examples.walk_slowly, names)


def resume_dead_letters() -> None:
    """Runs that were killed five times in a row, by chance."""
    workflows.resume_many(Run.objects.filter(state="DEAD").values_list("id", flat=True))


def start_holding(name: str) -> str:
    return workflows.start(examples.hold_then_walk, name).id


def start_trying(name: str, attempt: int) -> str:
    return workflows.start(examples.try_hard, name, attempt).id


def start_failing_slowly(text: str) -> str:
    return workflows.start(examples.fail_slowly, text).id


def start_sleeping(count: int) -> None:
    workflows.start_many(examples.sleep_for, [[3600.0]] * count)


def start_slow(count: int, seconds: float) -> None:
    workflows.start_many(examples.slow_steps, [[f"slow {one}", seconds] for one in range(count)])


def messages_waiting() -> int:
    return helpers.messages_waiting("default")


def recorded_results() -> list[str]:
    return [json.loads(text) for text in Step.objects.values_list("value", flat=True)]


def wrong_results() -> list[Any]:
    """Runs whose result is not that of their steps."""
    wrong = []
    for run in Run.objects.all():
        name, steps = json.loads(run.args)[0]
        if json.loads(run.result or "null") != [f"{name}:{one}" for one in range(steps)]:
            wrong.append([run.id, run.result])
    return wrong


def seconds_between(first: Any, last: Any) -> float:
    """Of two moments, which SQLite gives as texts."""
    moments = [
        datetime.fromisoformat(one) if isinstance(one, str) else one for one in (first, last)
    ]
    return float((moments[1] - moments[0]).total_seconds())
