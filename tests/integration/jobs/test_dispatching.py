"""Two dispatchers: one leads, and the other goes on when it is killed."""

import time

import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import Running, Stack
from tests.support.app import tasks

LEADER = "SELECT holder, epoch FROM jobs_leader WHERE role = 'dispatcher'"


@pytest.mark.behaviour("J10")
def test_when_the_leading_dispatcher_is_killed_the_other_goes_on(
    stack: Stack, ledger: Ledger
) -> None:
    dispatchers = {running.pid: running for running in two_dispatchers(stack)}
    leader, epoch = stack.wait_for(lambda: leadership(stack), 60, "a dispatcher leads") or (0, 0)
    assert leader in dispatchers
    before = ledger.submit(tasks.add, 1, 1, countdown=0.2)
    ledger.wait_until_sent(before)

    dispatchers[leader].kill()
    killed_at = time.monotonic()
    after = ledger.submit(tasks.add, 1, 1, countdown=0.2)
    ledger.wait_until_sent(after)
    assert time.monotonic() - killed_at < 30
    other, next_epoch = leadership(stack) or (0, 0)
    assert other in dispatchers.keys() - {leader}
    assert next_epoch == epoch + 1
    # Each once: nothing that the killed one had sent was sent again.
    assert ledger.messages() == 2


def two_dispatchers(stack: Stack) -> list[Running]:
    return [stack.start("dispatcher"), stack.start("dispatcher")]


def leadership(stack: Stack) -> tuple[int, int] | None:
    """The process id of the leader, and its epoch."""
    rows = stack.query(LEADER)
    return (int(rows[0][0].split(":")[2]), rows[0][1]) if rows else None
