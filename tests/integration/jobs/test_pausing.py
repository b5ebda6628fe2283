"""A paused queue on real workers: what has begun finishes, the rest waits over any restart."""

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.integration.jobs.test_retrying import kill_all
from tests.stacks import Stack
from tests.support.app import tasks

MANY = 50


def test_nothing_of_a_paused_queue_begins_until_it_is_resumed_and_then_all_of_it_once(
    stack: Stack, ledger: Ledger
) -> None:
    processes = [stack.start("worker", "--concurrency", "1"), stack.start("dispatcher")]
    begun = ledger.submit(tasks.hold, "begun")
    ledger.wait_for_state(begun, "STARTED")
    stack.call(helpers.pause, "default")
    ids = [ledger.submit(tasks.add, number, 1) for number in range(MANY)]
    ledger.open("begun-1")
    assert ledger.wait_until_final(begun).state == "SUCCESS"
    stack.wait_for(lambda: ids[-1] in stack.logs(), 40, "their messages have come to the worker")
    assert attempts(ledger, ids) == {("QUEUED", 0)}

    for process in processes:
        kill_all(process)
    stack.start("worker")
    stack.start("dispatcher")
    # The new processes are at work.
    assert ledger.wait_until_final(ledger.submit(tasks.add, 1, 1, queue="io")).state == "SUCCESS"
    assert attempts(ledger, ids) == {("QUEUED", 0)}

    stack.call(helpers.resume, "default")
    for task_id in ids:
        ledger.wait_until_final(task_id)
    assert attempts(ledger, ids) == {("SUCCESS", 1)}


def test_many_are_not_claimed_by_one_statement_either(stack: Stack) -> None:
    assert stack.call(helpers.claim_two_while_paused, "default") == [0, 2]


def attempts(ledger: Ledger, ids: list[str]) -> set[tuple[str, int]]:
    """The states of these jobs, each with the number of its last attempt."""
    found = [job for task_id in ids if (job := ledger.job(task_id)) is not None]
    return {(job.state, job.attempt) for job in found}
