"""Many runs at once on both databases: the same holds while the database is not waited for."""

import pytest

from tests.integration.workflows import ahead
from tests.integration.workflows.ahead import OVERTAKEN, RUNS, STEPS
from tests.stacks import SERVERS, Stack


@pytest.mark.behaviour("D1")
def test_no_step_begins_before_the_one_before_it_is_recorded(database: Stack) -> None:
    done = database.call(ahead.go_on_with_all)
    assert (done["right"], done["acted"], done["recorded"]) == (RUNS, RUNS * STEPS, RUNS * STEPS)
    assert done["too early"] == 0
    assert bool(done["sent ahead"]) == (database.name == SERVERS)


@pytest.mark.behaviour("D3")
@pytest.mark.parametrize("how", ["answer", "connection"])
def test_records_whose_answer_is_lost_count_once(database: Stack, how: str) -> None:
    done = database.call(ahead.lose_answers, how)
    assert (done["right"], done["recorded"]) == (RUNS, RUNS * STEPS)
    assert (done["acted"], done["acted twice"], done["too early"]) == (RUNS * STEPS, 0, 0)
    # A connection that is lost is not the last one.
    assert (done["sent ahead"] > STEPS - 1) == (database.name == SERVERS)


@pytest.mark.behaviour("D5")
def test_runs_that_were_overtaken_while_their_records_are_on_the_way_stop(database: Stack) -> None:
    done = database.call(ahead.overtake_some)
    others = RUNS - OVERTAKEN
    assert (done["right"], done["acted"], done["recorded"]) == (
        others,
        others * STEPS,
        others * STEPS,
    )
    assert bool(done["sent ahead"]) == (database.name == SERVERS)
    assert done["taken"] == [["RUNNING", "another job"]] * OVERTAKEN
    # Each has done one step whose record did not count, and none after it.
    assert done["unrecorded of taken"] == OVERTAKEN
