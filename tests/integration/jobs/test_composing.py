"""Chords that fail, and compositions of compositions."""

from typing import Any

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack

#: What Celery's guide says of each composition of ``helpers.submit_compositions``.
DOCUMENTED: dict[str, Any] = {
    "chain": 16,
    "group": [0, 2, 4, 6],
    "chord": 12,
    "group and a task": 12,
    "chain into a group": [9, 10],
    "group into a group": [2, [0, 2]],
    "group in a group": [2, 4, 6],
    "chord in a chain": 17,
    "chord in a chord": 14,
    "chain as a callback": 112,
    "group as a callback": [12, [0, 2, 4, 6]],
    "group at the end of a part": [2, [11, 21]],
    "replaced part": 10,
    "part whose worker dies": ["attempt 2", 2],
    "map": [3, 7],
    "starmap": [3, 7],
    "chunks": [[0, 2], [4, 6]],
}


@pytest.mark.behaviour("J20")
def test_compositions_give_the_results_that_celery_documents(stack: Stack) -> None:
    stack.start("worker", "-Q", "default,io")
    stack.start("dispatcher")
    results = stack.call(helpers.submit_compositions)
    values = {
        name: stack.call(helpers.value_of_composition, result) for name, result in results.items()
    }
    assert values == DOCUMENTED


@pytest.mark.behaviour("J19")
def test_a_failed_part_fails_the_callback_once_with_its_error(stack: Stack, ledger: Ledger) -> None:
    ids = stack.call(helpers.submit_chord_that_fails, "gate")
    stack.start("worker")
    stack.start("dispatcher")
    ledger.open("gate")
    callback = ledger.wait_until_final(ids["callback"])
    assert callback.state == "FAILURE"
    assert callback.error == f"Part {ids['failed']} failed: out of paper"
    assert ledger.attempts(ids["callback"]) == []
    ledger.wait_for_note("errback")
    ledger.drain()
    assert ledger.notes() == ["errback"]
    # Who waits for the chord gets what its part raised.
    error = stack.call(helpers.error_of, ids["callback"], parent=ids["failed"])
    assert error == "RuntimeError: out of paper"
    # A failure that comes in late changes nothing, and calls nobody.
    stack.call(helpers.mark_late, ids["failed"])
    ledger.drain()
    assert ledger.notes() == ["errback"]
    assert ledger.job(ids["callback"]) == callback


@pytest.mark.behaviour("J19")
@pytest.mark.parametrize("kind", ["task", "chord"])
def test_link_error_runs_once_where_the_worker_is_killed_at_the_failure(
    stack: Stack, ledger: Ledger, kind: str
) -> None:
    """Killed as it submits the errback: the failure is not recorded either, and comes again."""
    if kind == "chord":
        ids = stack.call(helpers.submit_chord_that_fails, "gate")
        failed, ends, good = ids["failed"], ids["callback"], ids["good"]
    else:
        failed = ends = stack.call(helpers.submit_failure_with_errback, "gate")
        good = []
    ledger.open("die-before-leave_note_after")
    stack.start("worker")
    stack.start("dispatcher")
    for task_id in good:
        # The part that fails is the last one to be recorded, and so the one that is killed.
        ledger.wait_until_final(task_id)
    ledger.open("gate")
    assert ledger.wait_until_final(ends).state == "FAILURE"
    ledger.wait_for_note("errback")
    ledger.drain()
    assert ledger.notes() == ["errback"]
    assert [attempt.outcome for attempt in ledger.attempts(failed)] == ["LOST", "FAILURE"]
    assert not (ledger.data / "die-before-leave_note_after").exists()
