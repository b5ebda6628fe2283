"""What becomes of missed occurrences, by each policy."""

from datetime import UTC, datetime, timedelta

import pytest

from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.schedules.misfire import MOST, Rules, Verdict, judge, skip_all
from celery_uncovered.jobs.states import Misfire

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def every_minute(count: int) -> list[Due]:
    """The last one is due at noon."""
    return [Due(at=NOON - number * MINUTE) for number in reversed(range(count))]


def after(misfire: str, count: int, *, late: float = 0, grace: float = 60) -> list[Verdict]:
    rules = Rules(misfire=Misfire(misfire), grace=timedelta(seconds=grace))
    return judge(every_minute(count), rules, NOON + timedelta(seconds=late))


def words(verdicts: list[Verdict]) -> list[str]:
    return [str(verdict.outcome) for verdict in verdicts]


@pytest.mark.parametrize("misfire", Misfire.values)
def test_one_that_is_in_time_is_submitted_whatever_the_policy(misfire: str) -> None:
    (verdict,) = after(misfire, 1, late=2)
    assert (verdict.outcome, verdict.note) == ("SUBMITTED", "")
    assert after(misfire, 0) == []


def test_run_once_submits_the_latest_for_all() -> None:
    verdicts = after("ONCE", 3, late=3600)
    assert words(verdicts) == ["MERGED", "MERGED", "SUBMITTED"]
    assert verdicts[-1].due.at == NOON
    assert verdicts[-1].note == "It stands for 2 times missed before it."


def test_run_all_submits_each() -> None:
    assert words(after("ALL", 3, late=3600)) == ["SUBMITTED"] * 3


def test_skip_submits_the_latest_unless_it_is_too_late() -> None:
    assert words(after("SKIP", 3, late=60)) == ["SKIPPED", "SKIPPED", "SUBMITTED"]
    verdicts = after("SKIP", 3, late=61)
    assert words(verdicts) == ["SKIPPED"] * 3
    assert verdicts[-1].note == "Missed: 61 s late, and 60 s are allowed."


@pytest.mark.parametrize(
    ("misfire", "submitted", "word"),
    [("ONCE", 1, "MERGED"), ("ALL", MOST, "SKIPPED"), ("SKIP", 1, "SKIPPED")],
)
def test_after_a_long_time_the_earliest_are_summed_up(
    misfire: str, submitted: int, word: str
) -> None:
    verdicts = after(misfire, 1000)
    assert len(verdicts) == MOST + 1
    assert words(verdicts).count("SUBMITTED") == submitted
    first = verdicts[0]
    assert (first.due.at, first.outcome) == (NOON - 999 * MINUTE, word)
    assert first.note.startswith("900 times from here on: ")
    assert first.note.endswith(".")


def test_what_a_change_of_the_clocks_did_stays_in_the_note() -> None:
    due = Due(at=NOON, note="02:30 does not exist.")
    (verdict,) = judge([due], Rules(misfire=Misfire.SKIP), NOON + timedelta(hours=1))
    assert verdict.note == "02:30 does not exist. Missed: 3,600 s late, and 60 s are allowed."


@pytest.mark.parametrize("misfire", Misfire.values)
def test_of_a_schedule_that_has_ended_nothing_is_submitted(misfire: str) -> None:
    verdicts = skip_all(every_minute(3), Rules(misfire=Misfire(misfire)), NOON, "It had ended.")
    assert words(verdicts) == ["SKIPPED"] * 3
    assert verdicts[-1].note == "It had ended."
