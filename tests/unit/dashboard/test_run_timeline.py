"""A history as bars: where they are, and which times are folded."""

from datetime import UTC, datetime, timedelta
from typing import Any

from celery_uncovered.dashboard.run_timeline import LEAST, Timeline, timeline_of
from celery_uncovered.workflows import api as workflows

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = 86_400.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def entry(
    began: float, ended: float | None, *, acted: float | None = None, **fields: Any
) -> workflows.Entry:
    given: dict[str, Any] = {
        "number": 1,
        "branch": "",
        "name": "act",
        "occurrence": 1,
        "kind": "step",
        "look": workflows.Look.DONE,
        "attempts": 1,
        "began_at": at(began),
        "ended_at": None if ended is None else at(ended),
        "acted_at": None if acted is None else at(acted),
    }
    return workflows.Entry(**given | fields)


def step(began: float, ended: float) -> workflows.Entry:
    return entry(began, ended, acted=began)


def sleep(began: float, ended: float | None) -> workflows.Entry:
    return entry(began, ended, kind="time")


def of(*entries: workflows.Entry, now: float = DAY) -> Timeline:
    return timeline_of(entries, at(now))


def number(percent: str) -> float:
    assert percent.endswith("%")
    return float(percent[:-1])


def test_without_gaps_bars_are_as_long_as_they_took() -> None:
    first, second = of(step(0, 1), step(1, 4)).bars
    assert (first.act_x, first.act_width) == ("0.00%", "25.00%")
    assert (second.act_x, second.act_width) == ("25.00%", "75.00%")


def test_a_day_without_work_is_folded_and_told() -> None:
    timeline = of(step(0, 2), sleep(2, DAY), step(DAY, DAY + 2))
    (fold,) = timeline.folds
    assert (fold.x, fold.width) == ("47.50%", "5.00%")
    assert timeline.folded == timedelta(seconds=DAY - 2)
    first, wait, last = timeline.bars
    assert (first.act_width, last.act_x, last.act_width) == ("47.50%", "52.50%", "47.50%")
    assert (wait.x, wait.width, wait.act_width) == ("47.50%", "5.00%", "")


def test_a_short_gap_is_not_folded() -> None:
    timeline = of(step(0, 2), sleep(2, 3), step(3, 5))
    assert not timeline.folds
    assert [bar.x for bar in timeline.bars] == ["0.00%", "40.00%", "60.00%"]


def test_many_folds_leave_room_for_the_work() -> None:
    entries = [step(number * DAY, number * DAY + 1) for number in range(40)]
    timeline = of(*entries)
    assert len(timeline.folds) == 39
    assert sum(number(fold.width) for fold in timeline.folds) < 41
    assert all(number(bar.act_width) >= 1.5 for bar in timeline.bars)


def test_what_is_not_over_reaches_to_now() -> None:
    _, wait = of(step(0, 2), sleep(2, None)).bars
    assert number(wait.x) + number(wait.width) == 100


def test_work_at_the_same_time_is_no_gap() -> None:
    timeline = of(step(0, 10), step(2, 4), sleep(0, 10))
    assert not timeline.folds
    assert [bar.x for bar in timeline.bars] == ["0.00%", "20.00%", "0.00%"]


def test_a_retried_step_shows_all_its_time_and_its_last_attempt() -> None:
    (bar,) = of(entry(0, 10, acted=8, attempts=3)).bars
    assert (bar.x, bar.width) == ("0.00%", "100.00%")
    assert (bar.act_x, bar.act_width) == ("5.00%", "95.00%")


def test_every_bar_can_be_seen_and_stays_on_the_axis() -> None:
    for entries in (
        [step(0, 0)],
        [sleep(0, 0)],
        [sleep(0, None)],
        [step(0, 0), step(DAY, DAY)],
        [step(number / 100, number / 100) for number in range(300)],
        [step(0, 0.0001), sleep(0, DAY), step(DAY, DAY)],
    ):
        for bar in of(*entries).bars:
            for x, width in ((bar.x, bar.width), (bar.act_x, bar.act_width)):
                if x:
                    assert number(width) >= LEAST
                    assert 0 <= number(x) <= 100.01 - number(width)


def test_nothing_is_an_empty_timeline() -> None:
    assert of() == Timeline()
