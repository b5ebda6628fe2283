"""Tests of long workflows take no time."""

import pytest

from tests.integration.workflows import months
from tests.stacks import Stack


@pytest.mark.behaviour("D27")
def test_a_month_passes_in_a_moment(database: Stack) -> None:
    done = database.call(months.a_month)
    assert done["posted"] == [float(day) for day in range(1, 30)]
    assert done["in_between"] == 29
    assert done["tries"] == [0.0, 0.042, 0.125], "an hour, then two"
    closed, tries, child, days = done["result"]
    assert (closed, tries, child, done["again"]) == ("merged", 3, "a day later", "a day later")
    assert days == pytest.approx(29.5 + 0.25 + 1 + 0.125, abs=0.01)
    # Not a timed test: a month has 2.6 million seconds.
    assert done["took"] < 20


@pytest.mark.behaviour("D27")
def test_a_run_that_waits_for_nothing_that_can_come_is_told_of(database: Stack) -> None:
    said = database.call(months.nothing_to_wait_for)["said"]
    assert said == "No run waits for a time; send an event, or look for a blocked run."
