"""Runs on both databases: what is recorded once stands, whatever ends the process in between."""

import pytest

from tests.integration.workflows import cases
from tests.stacks import Stack


# --- going on after a crash ---------------------------------------------------------------------------
@pytest.mark.behaviour("D1")
def test_a_recorded_step_never_runs_again(database: Stack) -> None:
    done = database.call(cases.crash_in_the_middle)
    assert done["before"] == ["a0", "a1", "a2"]
    # The one whose record was lost with the process.
    assert done["acted"] == ["a0", "a1", "a2", "a2"]
    assert (done["state"], done["result"]) == ("SUCCESS", ["a0", "a1", "a2"])


@pytest.mark.behaviour("D3")
def test_a_commit_whose_answer_was_lost_counts(database: Stack) -> None:
    done = database.call(cases.lose_the_answer)
    assert done["lost"] == [1, 0]
    assert done["acted"] == done["result"] == ["a0", "a1", "a2"]
    assert done["steps"] == 3


@pytest.mark.behaviour("D4")
def test_a_live_run_is_not_started_a_second_time(database: Stack) -> None:
    done = database.call(cases.recover_a_live_run)
    ((before, after, state),) = done["seen"]
    assert (before, state) == (after, "RUNNING")
    assert done["result"] == "looked"
    assert len(done["steps"]) == 1


@pytest.mark.behaviour("D5")
def test_who_was_taken_over_records_nothing_and_stops(database: Stack) -> None:
    done = database.call(cases.run_twice)
    assert done["acted"] == ["after"]
    assert done["steps"] == []
    assert (done["state"], done["lease"], done["result"]) == ("RUNNING", "another job", None)


@pytest.mark.behaviour("D5")
def test_who_was_taken_over_leaves_the_waits_of_the_run_alone(database: Stack) -> None:
    done = database.call(cases.be_taken_over_between_attempts)
    assert (done["waits"], done["steps"]) == (1, [])


@pytest.mark.behaviour("D7")
def test_a_run_that_ends_its_process_each_time_is_parked_until_somebody_resumes_it(
    database: Stack,
) -> None:
    done = database.call(cases.crash_always)
    assert done["states"] == ["READY"] * 4 + ["DEAD"] * 2
    assert done["error"] == "Its worker process died 5 times in a row over it."
    assert done["result"] == ["a0", "a1", "a2"]
    assert done["acted"] == ["a0", *["a1"] * 6, "a2"]


@pytest.mark.behaviour("D8")
def test_a_crash_between_attempts_keeps_their_count_and_the_pause(database: Stack) -> None:
    done = database.call(cases.crash_between_attempts)
    assert done["same"]
    assert (done["attempts"], done["tries"], done["waits"]) == (3, 3, 0)
    assert all(pause >= 1.0 for pause in done["pauses"])


# --- steps ----------------------------------------------------------------------------------------------
@pytest.mark.behaviour("D10")
def test_an_atomic_step_commits_its_rows_with_its_record_or_neither(database: Stack) -> None:
    done = database.call(cases.fail_in_an_atomic_step)
    assert done["groups"] == ["d10-good"]
    assert done["result"] == ["d10-bad", "d10-good"]
    assert done["steps"] == 2
    fenced = database.call(cases.be_taken_over_in_an_atomic_step)
    assert (fenced["groups"], fenced["steps"]) == (0, [])


@pytest.mark.behaviour("D11")
def test_sides_are_known_by_their_place_not_by_who_ends_first(database: Stack) -> None:
    done = database.call(cases.gather_in_any_order)
    assert done["acted"] == ["side 2", "side 1", "side 0", "side 1"]
    assert done["result"] == [0, 1, 2, 1]
    assert sorted(done["branches"]) == [
        "gather#1.0/side#1",
        "gather#1.1/side#1",
        "gather#1.2/side#1",
        "side#1",
        "sleep#1",
    ]


@pytest.mark.behaviour("D12")
def test_a_result_that_cannot_be_kept_fails_its_step_in_one_sentence(database: Stack) -> None:
    done = database.call(cases.return_what_cannot_be_kept)
    first, second = done["result"]
    assert first.startswith('NotJsonError: The result of step "give" is not JSON: ')
    assert second == (
        'TooLargeError: The result of step "give" takes 2,000,002 bytes as JSON;'
        " the limit is 1,048,576."
    )
    assert done["steps"] == 2


@pytest.mark.behaviour("D13")
def test_an_error_is_raised_again_as_it_was(database: Stack) -> None:
    done = database.call(cases.raise_and_replay)
    words = [
        "KeyError: 'nothing'",
        "OddError: code 7, odd",
        "FileNotFoundError: [Errno 2] No such file: 'report.csv'",
    ]
    assert done["caught"] == words * 2
    assert done["state"] == "SUCCESS"


# --- waiting --------------------------------------------------------------------------------------------
@pytest.mark.behaviour("D15")
def test_a_sleep_that_is_restarted_ends_when_it_was_to_end(database: Stack) -> None:
    done = database.call(cases.restart_a_sleep)
    assert done["same"]
    assert 1.5 <= done["took"] < 6


@pytest.mark.behaviour("D16")
def test_an_event_that_comes_before_the_wait_is_received(database: Stack) -> None:
    done = database.call(cases.events_before_and_after)
    assert done["result"] == ["early", "late"]
    assert done["left"] == 1, "what came before the run began is none of its concern"


@pytest.mark.behaviour("D16")
@pytest.mark.parametrize("after", [False, True])
def test_an_event_that_comes_while_the_run_is_being_parked_wakes_it(
    database: Stack, *, after: bool
) -> None:
    done = database.call(cases.event_in_the_gap, after=after)
    assert (done["woken"], done["result"]) == ("SUCCESS", 1)


@pytest.mark.behaviour("D17")
def test_a_wait_that_timed_out_does_not_take_a_late_event(database: Stack) -> None:
    done = database.call(cases.time_out_once)
    assert (done["first"], done["second"], done["waits"]) == (None, "late", 0)


@pytest.mark.behaviour("D18")
def test_events_are_taken_once_in_their_order(database: Stack) -> None:
    done = database.call(cases.consume_in_order)
    assert (done["result"], done["taken"], done["lost"]) == ([0, 1, 2], 3, 2)
    assert database.call(cases.two_runs_one_event)["results"] == ["None", "once"]


@pytest.mark.behaviour("D19")
def test_a_child_is_waited_for_without_holding_anything_and_cancelled_with_its_parent(
    database: Stack,
) -> None:
    done = database.call(cases.children)
    assert (done["held"], done["states"]) == (0, ["CANCELLED", "CANCELLED"])
    done = database.call(cases.child_result)
    assert (done["result"], done["children"]) == (["c0", "c1", "c2"], 1)


@pytest.mark.behaviour("D19")
def test_a_child_that_ends_while_its_parent_is_being_parked_wakes_it_whoever_dies(
    database: Stack,
) -> None:
    done = database.call(cases.end_of_a_child_in_the_gap)
    assert (done["parked"], done["result"]) == ("WAITING", "done")


# --- changing code --------------------------------------------------------------------------------------
@pytest.mark.behaviour("D20")
def test_a_history_that_does_not_fit_parks_the_run_until_the_code_fits_again(
    database: Stack,
) -> None:
    done = database.call(cases.change_the_code)
    assert (done["state"], done["still"]) == ("BLOCKED", "BLOCKED")
    assert (
        done["error"] == 'The history has "act#1" with other arguments than the code calls it with.'
    )
    assert done["result"] == ["one", "three"]
    assert done["acted"] == ["one", "three"]


@pytest.mark.behaviour("D20")
def test_a_branch_that_does_not_fit_parks_the_whole_run(database: Stack) -> None:
    done = database.call(cases.change_a_side)
    assert done["state"] == "BLOCKED"
    assert done["error"].startswith('The history has "act#1" (in branch "gather#1.1/") with other')
    assert done["released"] == ["d20-a", "d20-c"], "the other branches are unwound"


@pytest.mark.behaviour("D20")
def test_a_difference_is_said_in_one_sentence(database: Stack) -> None:
    assert database.call(cases.differences) == {
        "fits": "",
        "argument": 'The history has "act#1" with other arguments than the code calls it with.',
        "side": 'The history has "act#1" (in branch "gather#1.1/") with other arguments than the code'
        " calls it with.",
        "shorter": 'The history goes on with "sleep#1"; the code ends.',
        "longer": 'The run has ended; the code goes on with step "act#2".',
        "other": 'The history goes on with step "act#1"; the code goes on with time "sleep#1".',
    }


@pytest.mark.behaviour("D21")
def test_old_runs_take_the_old_path_and_new_ones_the_new(database: Stack) -> None:
    done = database.call(cases.patch_the_code)
    assert (done["before"][0], done["after"][0]) == ("old", "new")


@pytest.mark.behaviour("D22")
def test_stored_histories_are_held_against_the_code_by_one_command(database: Stack) -> None:
    done = database.call(cases.replay_histories)
    assert done["good"] == ["1 histories fit the code."]
    first, last = done["bad"]
    assert first.startswith(done["id"])
    assert first.endswith("with other arguments than the code calls it with.")
    assert last == "error: 1 of 1 histories do not fit the code."
    assert done["acted"] == "one", "nothing is done for it"


# --- steering -------------------------------------------------------------------------------------------
@pytest.mark.behaviour("D23")
def test_a_key_has_one_live_run_and_a_new_run_is_not_told_of_old_events(database: Stack) -> None:
    done = database.call(cases.keys)
    assert done["same"]
    assert done["first"] == "first close"
    assert (done["other"], done["second"], done["known"]) == (True, None, True)
    assert done["refused"] == 'Run ID had the key "pr-1" before.'
    assert len(set(database.call(cases.start_at_once))) == 1


@pytest.mark.behaviour("D24")
def test_a_run_is_resumed_after_its_failure_forked_and_cancelled(database: Stack) -> None:
    done = database.call(cases.steer)
    assert done["failed"] == ["FAILURE", "RuntimeError", "broken"]
    assert done["result"] == ["before", "whole", "after"]
    assert done["resumed"] == ["before", "delicate", "delicate", "after"]
    assert done["forked"] == [["before", "whole", "after"], ["after"]]
    assert (done["cancelled"], done["states"]) == (2, ["CANCELLED"] * 2)
    assert done["refused"] == "Run ID cannot be resumed: it is SUCCESS."


@pytest.mark.behaviour("D25")
def test_a_run_that_is_cancelled_as_it_ends_has_one_end(database: Stack) -> None:
    done = database.call(cases.cancel_while_it_ends)
    assert (done["states"], done["again"]) == (["CANCELLED"] * 2, False)


@pytest.mark.behaviour("D26")
def test_values_are_shown_histories_begin_anew_and_are_bounded(database: Stack) -> None:
    done = database.call(cases.show_values)
    assert (done["shown"], done["history"], done["result"], done["none"]) == (3, 2, 3, None)
    done = database.call(cases.record_too_much)
    assert (done["state"], done["steps"]) == ("FAILURE", 20)
    assert done["error"].startswith("The run has recorded 20 steps, which is the limit;")


# --- what it costs --------------------------------------------------------------------------------------
@pytest.mark.behaviour("D28")
def test_a_step_costs_one_write_and_a_replay_no_query_for_each(database: Stack) -> None:
    done = database.call(cases.count_statements)
    few, many = done["new"]
    assert many - few == 50
    few, many = done["replayed"]
    assert many == few
    assert done["loads"] == [1, 1], "the history is loaded at once"


def test_a_thousand_steps_are_replayed_in_a_moment(database: Stack) -> None:
    """Not a timed test: an order of magnitude above what it takes."""
    assert database.call(cases.replay_cost) < 1
