"""The long run of ``make chaos`` in short: everything is killed a few times, and nothing is lost."""

from collections.abc import Callable

import pytest

from tests.chaos.plan import SHORT, Plan
from tests.chaos.run import Run
from tests.stacks import EMBEDDED, SERVERS, Stack

#: What a run of this length always comes to; the long one has its own measure.
LEAST = {
    EMBEDDED: {"worker", "worker's child", "dispatcher", "beat", "everything at once"},
    SERVERS: {"worker", "worker's child", "dispatcher", "beat", "RabbitMQ", "PostgreSQL"},
}


def on(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.behaviour("J28", stack=name), id=name)


@pytest.mark.parametrize("name", [on(EMBEDDED), on(SERVERS)])
def test_nothing_is_lost_and_nothing_succeeds_twice_whatever_is_killed(
    name: str, new_stack: Callable[..., Stack]
) -> None:
    plan = Plan(
        stack=name,
        jobs=300,
        minutes=0.4,
        seed=7,
        periods=SHORT,
        clients=3,
        workers=2,
        children=4,
        patience=150.0,
    )
    stack = new_stack(name, own_servers=plan.has_servers)
    report = Run(plan=plan, stack=stack).carry_out()
    assert report.problems == [], report.text()
    assert report.kills.keys() >= LEAST[name], report.text()
    assert report.interrupted > 0, report.text()
