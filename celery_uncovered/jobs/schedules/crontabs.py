"""The due times of a crontab between two instants, in its own zone.

A crontab that runs in every hour of the day goes on through the hour that comes twice; any other
runs once in it, the first time. What falls into a gap of the clocks runs at the gap's end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab

from celery_uncovered.jobs.errors import BadCrontabError
from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.schedules.walls import (
    DAY,
    Moment,
    begin_of_day,
    is_plain,
    moments_of,
)

HOUR = timedelta(hours=1)
HOURS_OF_A_DAY = 24
#: The fields of a crontab in their order, and how much of one is kept.
NAMES = ("minute", "hour", "day of the month", "month", "weekday")
LONGEST = 64


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What a crontab's five fields allow; a day must be in all three of ``days`` to ``weekdays``."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @property
    def is_every_hour(self) -> bool:
        return len(self.hours) == HOURS_OF_A_DAY

    def runs_on(self, day: date) -> bool:
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
        )


@lru_cache(maxsize=4096)
def read_fields(minute: str, hour: str, day: str, month: str, weekday: str) -> Fields:
    """The fields as Celery reads them. Raises ValueError (or its like) for what it cannot read."""
    read: Any = crontab(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday
    )
    return Fields(
        minutes=tuple(sorted(read.minute)),
        hours=tuple(sorted(read.hour)),
        days=frozenset(read.day_of_month),
        months=frozenset(read.month_of_year),
        weekdays=frozenset(read.day_of_week),
    )


def parse_crontab(text: str) -> tuple[str, ...]:
    """The five fields of a crontab as a person writes it. Raises BadCrontabError."""
    fields = tuple(text.split())
    if len(fields) != len(NAMES):
        reason = f"“{text:.80}” is no crontab: it has {len(fields)} fields, and needs five: {', '.join(NAMES)}."
        raise BadCrontabError(text, reason)
    for position, (name, field) in enumerate(zip(NAMES, fields, strict=True)):
        alone = ["*"] * len(NAMES)
        alone[position] = field
        if len(field) > LONGEST or not _can_be_read(*alone):
            reason = f"The {name} “{field:.40}” is not understood; write *, 5, 1-5, 1,3 or */10."
            raise BadCrontabError(text, reason)
    if not _can_be_read(*fields):
        raise BadCrontabError(text, f"“{text}” never comes: no month has such a day.")
    return fields


def _can_be_read(*fields: str) -> bool:
    try:
        read_fields(*fields)
    except (ValueError, KeyError, IndexError, ParseException):
        return False
    return True


def due_times(fields: Fields, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[Due]:
    """The due times later than ``after`` and not later than ``until``, in their order."""
    for moments in _together(_moments(fields, zone, after, until)):
        at = moments[0].at
        if at > until:
            return
        if at > after:
            yield Due(at=at, note=_note(moments, zone))


def _moments(fields: Fields, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[Moment]:
    """In the order of their instants; some of before ``after`` and of after ``until`` too."""
    # What is missing on one day may stand for an instant of the next.
    day, last = after.astimezone(zone).date() - DAY, until.astimezone(zone).date()
    waiting: list[Moment] = []
    while day <= last:
        if fields.runs_on(day):
            plain = is_plain(day, zone)
            if plain and not waiting:
                yield from _plain_day(fields, zone, day, after)
            elif plain:
                waiting.extend(_plain_day(fields, zone, day, after))
            else:
                waiting.extend(_changing_day(fields, zone, day))
        day += DAY
        if waiting:
            # The days are in the order of instants only as far as the next one has not begun.
            bound = begin_of_day(day, zone)[0]
            waiting.sort(key=attrgetter("at"))
            ready = [moment for moment in waiting if moment.at < bound]
            yield from ready
            del waiting[: len(ready)]
    yield from waiting


def _plain_day(fields: Fields, zone: ZoneInfo, day: date, after: datetime) -> Iterator[Moment]:
    begin = begin_of_day(day, zone)[0]
    for hour in fields.hours:
        hours_begin = begin + hour * HOUR
        if hours_begin + HOUR > after:
            for minute in fields.minutes:
                passed = timedelta(minutes=minute)
                wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
                yield Moment(at=hours_begin + passed, wall=wall)


def _changing_day(fields: Fields, zone: ZoneInfo, day: date) -> Iterator[Moment]:
    for hour in fields.hours:
        for minute in fields.minutes:
            wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
            yield from moments_of(wall, zone, both=fields.is_every_hour)


def _together(moments: Iterable[Moment]) -> Iterator[list[Moment]]:
    """Those of one instant in one list: what is missing meets what is due then anyway."""
    gathered: list[Moment] = []
    for moment in moments:
        if gathered and gathered[0].at != moment.at:
            yield gathered
            gathered = []
        gathered.append(moment)
    if gathered:
        yield gathered


def _note(moments: list[Moment], zone: ZoneInfo) -> str:
    missing = [moment.wall for moment in moments if moment.is_missing]
    if missing:
        return _note_of_gap(missing, moments[0].at.astimezone(zone), zone)
    turn = max(moment.turn for moment in moments)
    if not turn:
        return ""
    which = "the second" if turn > 1 else "the first"
    wall = moments[0].wall
    return f"{wall:%H:%M} comes twice on {wall:%Y-%m-%d} in {zone.key}: this is {which}."


def _note_of_gap(missing: list[datetime], end: datetime, zone: ZoneInfo) -> str:
    first, last = missing[0], missing[-1]
    where = f"on {first:%Y-%m-%d} in {zone.key}, where the clocks go forward"
    if first == last:
        return f"{first:%H:%M} does not exist {where}: {end:%H:%M} stands for it."
    return f"{first:%H:%M} to {last:%H:%M} do not exist {where}: {end:%H:%M} stands for them."
