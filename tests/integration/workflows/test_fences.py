"""Runs on both databases: who was overtaken, or is not sure, changes nothing."""

import pytest

from tests.integration.workflows import fences
from tests.stacks import Stack


@pytest.mark.behaviour("D3")
@pytest.mark.parametrize("counts", [True, False])
def test_an_atomic_step_that_loses_its_connection_at_the_commit_counts_once(
    database: Stack, *, counts: bool
) -> None:
    done = database.call(fences.lose_an_atomic_commit, counts=counts)
    assert done["lost"] == ["after" if counts else "before"]
    assert (done["made"], done["groups"]) == (1 if counts else 2, 1)
    assert done["result"] == [f"d3-{counts}", "next"]
    assert done["steps"] == ["make#1", "act#1"]


@pytest.mark.behaviour("D5")
@pytest.mark.parametrize("name", ["record_steps", "suspend", "finish", "take_event"])
def test_who_was_overtaken_neither_records_parks_nor_ends_the_run(
    database: Stack, name: str
) -> None:
    done = database.call(fences.overtaken, name)
    assert done["run"] == ["RUNNING", "another job", None]
    assert done["steps"] == (0 if name == "record_steps" else 1)
    assert (done["waits"], done["taken"]) == (0, 0)


@pytest.mark.behaviour("D9")
def test_a_step_that_takes_too_long_is_tried_again_and_fails_in_one_sentence(
    database: Stack,
) -> None:
    done = database.call(fences.time_out)
    assert done["result"] == ["at last", 'Step "never" did not end within 0.1 s.']
    assert done["tries"] == 2


@pytest.mark.behaviour("D9", "D10")
def test_an_atomic_step_that_takes_too_long_has_one_outcome(database: Stack) -> None:
    done = database.call(fences.time_out_while_atomic)
    assert done["outcome"] in (["timed out", 0], ["made", 1])
    assert (done["steps"], done["fits"]) == (1, "")


@pytest.mark.behaviour("D19")
def test_a_child_is_waited_for_no_longer_than_is_said(database: Stack) -> None:
    done = database.call(fences.wait_for_a_slow_child)
    assert done["result"] == ["Run ID is WAITING after 0.1 s.", "here"]


@pytest.mark.behaviour("D19")
def test_a_child_that_is_started_after_its_parent_was_cancelled_is_cancelled(
    database: Stack,
) -> None:
    done = database.call(fences.start_a_child_after_being_cancelled)
    assert done == {"state": "CANCELLED", "children": ["CANCELLED"]}


@pytest.mark.behaviour("D20", "D26")
def test_the_operator_is_told_of_what_is_blocked_and_of_what_grows_too_long(
    database: Stack,
) -> None:
    done = database.call(fences.tell_the_operator)
    changing, gone, long = done["names"]
    assert done["states"] == ["BLOCKED", "BLOCKED"]
    first, second, third = sorted(done["lines"])
    assert first.startswith(f"ERROR: Run ID of {changing} is blocked: The history ")
    assert second == f'ERROR: Run ID of {gone} is blocked: Workflow "{gone}" is not registered.'
    assert third.startswith("WARNING: Run ")
    assert f"of {long} has recorded 2 steps; at 50000 it is stopped" in third


@pytest.mark.behaviour("D24")
def test_many_runs_are_resumed_and_forked_by_one_call(database: Stack) -> None:
    done = database.call(fences.resume_and_fork_many)
    assert done["failed"] == ["FAILURE", "FAILURE"]
    assert (done["resumed"], done["again"]) == (True, [])
    assert done["results"] == [["a", "a!"], ["b", "b!"]] * 2
    assert done["acted"] == ["a", "b"], "what is recorded before is not done again"


@pytest.mark.behaviour("D25")
def test_a_run_that_is_cancelled_as_it_is_parked_is_cancelled(database: Stack) -> None:
    assert database.call(fences.cancel_in_the_gap) == {"state": "CANCELLED"}


@pytest.mark.behaviour("D25")
def test_a_parent_is_cancelled_while_its_child_ends(database: Stack) -> None:
    done = database.call(fences.cancel_a_parent_as_its_child_ends)
    assert (done["refused"], done["waited"]) == ([], [])
    parent, child = done["states"]
    assert parent == "CANCELLED"
    assert child in {"SUCCESS", "CANCELLED"}


@pytest.mark.behaviour("D25")
def test_families_that_end_and_are_cancelled_at_once_never_block_each_other(
    database: Stack,
) -> None:
    done = database.call(fences.cancel_families_as_they_end, 25)
    assert (done["refused"], done["waited"]) == ([], [])
    assert set(done["states"]) <= {"SUCCESS", "CANCELLED"}
