"""The long run of ``python -m tests.chaos.payments`` in short: each payment is charged once."""

from collections.abc import Callable

import pytest

from tests.chaos.payments.plan import Plan
from tests.chaos.payments.run import SETTINGS, Run
from tests.stacks import EMBEDDED, SERVERS, Stack


@pytest.mark.parametrize("name", [EMBEDDED, SERVERS])
def test_each_payment_is_charged_once_whoever_dies_at_whatever_step(
    name: str, new_stack: Callable[..., Stack]
) -> None:
    plan = Plan(
        stack=name, payments=60, kills=1, spare=1, all_of=2, seed=3, orphans=6, patience=150.0
    )
    report = Run(plan=plan, stack=new_stack(name, settings=SETTINGS)).carry_out()
    assert report.problems == [], report.text()
    assert report.repeated_messages > 0, report.text()
    assert report.repeated_jobs > 0, report.text()
    assert report.attempts_lost > 0, report.text()
    assert report.people["pressed twice or more"] > 0, report.text()
