"""A result that cannot be written is written later, and its message is acknowledged afterwards."""

import time
from collections.abc import Callable

import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import EMBEDDED, SERVERS, Stack
from tests.support.app import tasks
from tests.support.outages import database_gone, unacknowledged

#: RabbitMQ counts what is unacknowledged every five seconds.
WATCHED = 6.0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.behaviour("J17", stack=name), id=name)
        for name in (EMBEDDED, SERVERS)
    ],
)
def test_a_result_is_stored_when_the_database_is_back_and_then_acknowledged(
    name: str, new_stack: Callable[..., Stack]
) -> None:
    stack = new_stack(name, own_servers=name == SERVERS)
    ledger = Ledger(stack)
    stack.start("worker", "--concurrency", "1")
    task_id = ledger.submit(tasks.hold, "gate")
    ledger.wait_for_note("gate-1 begins")
    stack.wait_for(lambda: unacknowledged(stack) == 1, 30, "the message is held")

    with database_gone(stack):
        ledger.open("gate-1")
        ledger.wait_for_note("gate-1 ends")
        ended = time.monotonic()
        while time.monotonic() - ended < WATCHED:
            assert unacknowledged(stack) == 1
            time.sleep(0.2)

    job = ledger.wait_until_final(task_id)
    assert (job.state, job.result) == ("SUCCESS", '"attempt 1"')
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["SUCCESS"]
    copy = ledger.copy(task_id)
    assert copy
    assert copy[:2] == ("SUCCESS", '"attempt 1"')
    stack.wait_for(lambda: unacknowledged(stack) == 0, 30, "the message is acknowledged")
    # It does not come again.
    assert ledger.messages() == 0
    ledger.drain()
    assert ledger.notes() == ["gate-1 begins", "gate-1 ends"]


#: From now on the database takes no copy of a result that is large, on either: for a reason that never passes.
REFUSES = {
    SERVERS: "CREATE INDEX refuses ON django_celery_results_taskresult (result)",
    EMBEDDED: (
        "CREATE TRIGGER refuses BEFORE INSERT ON django_celery_results_taskresult "
        "WHEN length(NEW.result) > 100000 BEGIN SELECT json_extract(substr(NEW.result, 1, 1), '$'); END"
    ),
}


@pytest.mark.behaviour("J17")
def test_a_result_that_the_database_never_takes_is_not_waited_for(
    stack: Stack, ledger: Ledger
) -> None:
    """Both say OperationalError, as for a database that is away. The worker must not wait for ever."""
    stack.query(REFUSES[stack.name])
    stack.start("dispatcher")
    worker = stack.start("worker", "--concurrency", "1")
    task_id = ledger.submit(tasks.incompressible, 150_000)
    job = ledger.wait_until_final(task_id)
    assert job.state == "FAILURE"
    assert job.error
    # Its only process is free again.
    ledger.drain()
    assert worker.is_running
    assert ledger.messages() == 0
