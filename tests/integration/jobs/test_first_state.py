"""The first final state of a job wins."""

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks


@pytest.mark.behaviour("J16")
def test_a_late_failure_and_a_duplicate_success_change_nothing(
    stack: Stack, ledger: Ledger
) -> None:
    parts = stack.call(helpers.chord_of, "part", "callback")
    failed = ledger.submit(tasks.fail, "first")
    stack.start("worker")
    assert ledger.wait_until_final(parts["quick"]).state == "SUCCESS"
    assert ledger.wait_until_final(failed).state == "FAILURE"
    ledger.wait_for_note("part-1 begins")
    for task_id in (parts["quick"], failed):
        before = everything(stack, ledger, task_id)
        stack.call(helpers.mark_late, task_id)
        assert everything(stack, ledger, task_id) == before
    # The part that is done counted once: the chord still waits for the other.
    assert stack.call(helpers.parts_to_go) == [1]
    assert ledger.job(parts["callback"]) is None

    ledger.open("part-1")
    assert ledger.wait_until_final(parts["callback"]).state == "SUCCESS"
    assert stack.call(helpers.parts_to_go) == [0]
    stack.call(helpers.mark_late, parts["held"])
    ledger.drain()
    assert ledger.notes().count("callback") == 1
    assert stack.call(helpers.parts_to_go) == [0]


@pytest.mark.behaviour("J16")
def test_a_stale_attempt_that_wakes_up_changes_nothing(stack: Stack, ledger: Ledger) -> None:
    worker_has_two_children = stack.start("worker")
    task_id = ledger.submit(tasks.hold, "gate")
    ledger.wait_for_note("gate-1 begins")
    assert stack.call(helpers.give_back, task_id)
    ledger.wait_for_note("gate-2 begins")
    before = everything(stack, ledger, task_id)

    ledger.open("gate-1")
    # Both children were busy: another job runs only after the stale attempt is through.
    assert len(worker_has_two_children.children()) == 2
    ledger.drain()
    assert "gate-1 ends" in ledger.notes()
    assert everything(stack, ledger, task_id) == before

    ledger.open("gate-2")
    job = ledger.wait_until_final(task_id)
    assert (job.state, job.result) == ("SUCCESS", '"attempt 2"')
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["LOST", "SUCCESS"]
    assert stack.call(helpers.result_of, task_id)["result"] == "attempt 2"


def everything(stack: Stack, ledger: Ledger, task_id: str) -> tuple[object, ...]:
    """The job's row, its copy, its attempts, and what Celery's users read."""
    return (
        ledger.job(task_id),
        ledger.copy(task_id),
        ledger.attempts(task_id),
        stack.call(helpers.result_of, task_id),
    )
