"""The long run of ``python -m tests.chaos.reminders`` in short: a channel each, and a reminder each day."""

from collections.abc import Callable

import pytest

from tests.chaos.reminders.plan import ROLES, Plan
from tests.chaos.reminders.run import SETTINGS, Run
from tests.stacks import EMBEDDED, SERVERS, Stack


@pytest.mark.parametrize("name", [EMBEDDED, SERVERS])
def test_each_pull_request_has_one_channel_and_a_reminder_each_day_whoever_dies(
    name: str, new_stack: Callable[..., Stack]
) -> None:
    plan = Plan(
        stack=name, pulls=3, days=2, seed=5, shortest_step=2.0, pauses=(1.0, 3.0), patience=150.0
    )
    report = Run(plan=plan, stack=new_stack(name, settings=SETTINGS)).carry_out()
    assert report.problems == [], report.text()
    assert report.reminders > 0, report.text()
    assert all(report.kills[role] for role in ROLES), report.text()
