"""The long run of ``python -m tests.chaos.runs`` in short: each run ends once, as it should."""

from collections.abc import Callable

import pytest

from tests.chaos.runs.plan import SHORT, Plan
from tests.chaos.runs.run import SETTINGS, Run
from tests.stacks import EMBEDDED, SERVERS, Stack


@pytest.mark.behaviour("D2")
@pytest.mark.parametrize("name", [EMBEDDED, SERVERS])
def test_every_run_ends_once_whatever_is_killed(name: str, new_stack: Callable[..., Stack]) -> None:
    plan = Plan(
        stack=name,
        jobs=60,
        minutes=0.12,
        seed=5,
        periods=SHORT,
        workers=2,
        children=2,
        patience=150.0,
    )
    stack = new_stack(name, settings=SETTINGS, own_servers=name == SERVERS)
    report = Run(plan=plan, stack=stack).carry_out()
    assert report.problems == [], report.text()
    assert report.taken_over > 0, report.text()
