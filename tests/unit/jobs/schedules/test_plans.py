"""When rows of django-celery-beat are due: intervals, times, the sun, and what says no time."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from celery import schedules
from celery.exceptions import ImproperlyConfigured
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from pytest_django import Settings

from celery_uncovered.jobs.errors import BadScheduleError
from celery_uncovered.jobs.schedules.plans import EVER, FOREVER, dues_of, next_of, plan_of

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row_of(**fields: Any) -> PeriodicTask:
    return PeriodicTask(name="any", task="any", **fields)


def every(number: int, period: str) -> Any:
    return IntervalSchedule(id=1, every=number, period=period)


def first(row: PeriodicTask, after: datetime, count: int = 3) -> list[datetime]:
    return [due.at for due in islice(dues_of(row, plan_of(row), after, FOREVER), count)]


def test_an_interval_counts_from_the_last_one() -> None:
    row = row_of(interval=every(90, "minutes"))
    assert first(row, NOON, 2) == [NOON + 1.5 * HOUR, NOON + 3 * HOUR]


def test_an_interval_with_a_start_counts_from_there_however_late_it_is_asked() -> None:
    row = row_of(interval=every(2, "hours"), start_time=NOON)
    assert first(row, EVER, 2) == [NOON, NOON + 2 * HOUR]
    assert first(row, NOON, 1) == [NOON + 2 * HOUR]
    assert first(row, NOON + 5.5 * HOUR, 2) == [NOON + 6 * HOUR, NOON + 8 * HOUR]


def test_a_crontab_begins_with_its_start_and_ends_before_its_end() -> None:
    crontab = CrontabSchedule(id=1, minute="0", hour="*/6", timezone="UTC")
    row = row_of(crontab=crontab, start_time=NOON, expires=NOON + 12 * HOUR)
    assert first(row, NOON - 100 * HOUR) == [NOON, NOON + 6 * HOUR]
    assert next_of(row, plan_of(row), NOON + 6 * HOUR) is None


def test_a_crontab_is_read_in_its_own_zone_unless_settings_say_otherwise(
    settings: Settings,
) -> None:
    row = row_of(crontab=CrontabSchedule(id=1, minute="30", hour="2", timezone="Asia/Kathmandu"))
    assert first(row, NOON, 1) == [datetime(2026, 5, 31, 20, 45, tzinfo=UTC)]
    settings.DJANGO_CELERY_BEAT_TZ_AWARE = False
    assert first(row, NOON, 1) == [datetime(2026, 6, 1, 2, 30, tzinfo=UTC)]


def test_what_starts_in_the_far_future_has_no_next_time_that_matters() -> None:
    crontab = CrontabSchedule(id=1, minute="0", timezone="UTC")
    row = row_of(crontab=crontab, start_time=datetime(9990, 1, 1, tzinfo=UTC))
    assert next_of(row, plan_of(row), NOON) is None
    row = row_of(interval=every(36_000, "days"))
    assert len(first(row, NOON, 100)) == 70


def test_a_time_comes_once_also_when_it_was_before() -> None:
    row = row_of(clocked=ClockedSchedule(id=1, clocked_time=NOON), one_off=True)
    assert first(row, EVER) == [NOON]
    assert first(row, NOON) == []


class Sun:
    """Celery's schedule of the sun, whose library is not here: it rises at 05:00:00.3, or never."""

    rises = True

    def __init__(self, *_: Any, nowfun: Any = None) -> None:
        self.nowfun = nowfun

    def remaining_estimate(self, last: datetime) -> timedelta:
        rise = last.replace(hour=5, minute=0, second=0, microsecond=300_000)
        rise += timedelta(days=rise <= last)
        # Celery says after a year of search when it gave up.
        found = rise if self.rises else last + timedelta(days=367)
        now: datetime = self.nowfun()
        return found - now


def test_each_rise_of_the_sun_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "solar", Sun)
    row = row_of(solar=SolarSchedule(id=1, event="sunrise", latitude=52, longitude=13))
    begin = datetime(2026, 6, 1, 4, tzinfo=UTC)
    wanted = [begin + HOUR + day * 24 * HOUR for day in range(3)]
    assert first(row, begin) == wanted
    # From what was kept of it, without the part of a second.
    assert first(row, wanted[0], 2) == wanted[1:]
    monkeypatch.setattr(Sun, "rises", False)
    assert first(row, begin) == []


def test_a_schedule_of_the_sun_without_its_library_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: Any) -> None:
        message = "You need to install the ephem library.\nPlease do."
        raise ImproperlyConfigured(message)

    monkeypatch.setattr(schedules, "solar", missing)
    row = row_of(solar=SolarSchedule(id=1, event="sunrise", latitude=52, longitude=13))
    with pytest.raises(BadScheduleError) as refused:
        plan_of(row)
    assert str(refused.value) == (
        "The times of schedule “any” cannot be read: You need to install the ephem library."
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"interval": every(0, "seconds")},
        {"interval": every(10**12, "days")},
        {"interval": every(40_000, "days")},
        {"crontab": CrontabSchedule(id=1, minute="61", timezone="UTC")},
        {"crontab": CrontabSchedule(id=1, minute="1/", timezone="UTC")},
        {"crontab": CrontabSchedule(id=1, minute="", timezone="UTC")},
        {"crontab": CrontabSchedule(id=1, day_of_month="30", month_of_year="2", timezone="UTC")},
    ],
)
def test_what_says_no_time_is_refused_in_a_sentence(fields: dict[str, Any]) -> None:
    with pytest.raises(BadScheduleError, match=r"schedule “any” cannot be read: .+\.$"):
        plan_of(row_of(**fields))
