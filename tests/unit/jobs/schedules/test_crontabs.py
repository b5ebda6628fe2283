"""When crontabs are due: every year, and in the nights in which the clocks change."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from celery_uncovered.jobs.schedules.crontabs import due_times, read_fields
from celery_uncovered.jobs.schedules.due import Due
from tests.unit.jobs.schedules import minute_by_minute
from tests.unit.jobs.schedules.minute_by_minute import make_crontab, year_of

YEAR = 2026
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
BERLIN = "Europe/Berlin"


def dues(text: str, zone: str, begin: str, end: str) -> list[Due]:
    first, last = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (begin, end))
    return list(due_times(read_fields(*text.split()), ZoneInfo(zone), first, last))


def local(found: list[Due], zone: str) -> list[str]:
    return [due.at.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z") for due in found]


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_fifty_crontabs_is_what_walking_through_its_minutes_finds(zone: str) -> None:
    dice = random.Random(f"{YEAR} {zone}")  # noqa: S311  # no secret
    steps = year_of(YEAR, ZoneInfo(zone))
    begin = datetime(YEAR, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    end = datetime(YEAR + 1, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    total = 0
    for _ in range(50):
        made = make_crontab(dice)
        wanted = minute_by_minute.due_times(steps, made)
        fields = read_fields(*made.texts)
        found = [due.at for due in due_times(fields, ZoneInfo(zone), begin, end)]
        assert found == wanted, (made.texts, set(found) ^ set(wanted))
        total += len(found)
    assert total > 10_000


def test_a_time_that_does_not_exist_runs_at_the_end_of_the_gap_and_says_so() -> None:
    found = dues("30 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-30T12:00")
    assert local(found, BERLIN) == ["29 03:00 +0200", "30 02:30 +0200"]
    assert found[0].note == (
        "02:30 does not exist on 2026-03-29 in Europe/Berlin, where the clocks go forward:"
        " 03:00 stands for it."
    )
    assert found[1].note == ""


def test_a_time_that_comes_twice_runs_the_first_time_and_says_so() -> None:
    found = dues("30 2 * * *", BERLIN, "2026-10-24T12:00", "2026-10-26T12:00")
    assert local(found, BERLIN) == ["25 02:30 +0200", "26 02:30 +0100"]
    assert found[0].note == "02:30 comes twice on 2026-10-25 in Europe/Berlin: this is the first."
    assert found[1].note == ""


def test_what_runs_in_every_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    found = dues("*/30 * * * *", BERLIN, "2026-10-24T23:59", "2026-10-25T02:00")
    assert local(found, BERLIN) == [
        "25 02:00 +0200",
        "25 02:30 +0200",
        "25 02:00 +0100",
        "25 02:30 +0100",
        "25 03:00 +0100",
    ]
    assert found[2].note.endswith("this is the second.")


def test_several_times_of_one_gap_are_one_due_time() -> None:
    found = dues("*/15 2,3 * * *", BERLIN, "2026-03-29T00:00", "2026-03-29T01:20")
    assert local(found, BERLIN) == ["29 03:00 +0200", "29 03:15 +0200"]
    assert found[0].note == (
        "02:00 to 02:45 do not exist on 2026-03-29 in Europe/Berlin, where the clocks go"
        " forward: 03:00 stands for them."
    )


@pytest.mark.parametrize(
    ("zone", "crontab", "day", "wanted"),
    [
        # Half an hour.
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", ["04 02:30 +1100"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", ["05 01:45 +1100"]),
        # At midnight: the day begins at 01:00.
        ("Africa/Cairo", "30 0 * * *", "2026-04-24", ["24 01:00 +0300", "25 00:30 +0300"]),
        # Back at midnight: the last hour of the day comes twice.
        ("Africa/Cairo", "30 23 * * *", "2026-10-29", ["29 23:30 +0300"]),
        ("Africa/Cairo", "30 * * * *", "2026-10-29", None),
        # A day that a zone never had: its time is the next midnight.
        ("Pacific/Apia", "30 12 30 12 *", "2011-12-30", ["31 00:00 +1400"]),
        # Back over midnight: 23:01 to 00:00 come twice.
        ("America/St_Johns", "30 23 * * *", "2010-11-06", ["06 23:30 -0230"]),
    ],
)
def test_other_zones_change_their_clocks_otherwise(
    zone: str, crontab: str, day: str, wanted: list[str] | None
) -> None:
    noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=ZoneInfo(zone))
    begin = (noon - timedelta(hours=12)).astimezone(UTC) - timedelta(minutes=1)
    found = dues(
        crontab, zone, begin.isoformat()[:19], (begin + timedelta(hours=24)).isoformat()[:19]
    )
    if wanted is None:
        gaps = {b.at - a.at for a, b in pairwise(found)}
        assert gaps == {timedelta(hours=1)}
    else:
        assert local(found, zone) == wanted


def test_a_crontab_that_never_comes_has_no_due_time() -> None:
    with pytest.raises(ValueError, match="30"):
        read_fields("0", "0", "30", "2", "*")


def test_a_leap_day_is_found_years_ahead() -> None:
    found = dues("0 0 29 2 1", "UTC", "2026-01-01T00:00", "2060-01-01T00:00")
    assert [due.at.date().isoformat() for due in found] == ["2044-02-29"]


def test_the_begin_is_left_out_and_the_end_is_not() -> None:
    found = dues("0 * * * *", "UTC", "2026-01-01T10:00", "2026-01-01T12:00")
    assert [due.at.hour for due in found] == [11, 12]
