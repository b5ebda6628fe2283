"""Local times of a zone as instants, also where the clocks change.

A local time that a day does not have (the clocks go forward) stands for the first instant after the
gap. One that it has twice (they go back) stands for the first, and on demand for both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The instant ``at`` (UTC) that the local time ``wall`` (naive) stands for.

    ``turn`` is 0 for the one instant that has that time, 1 and 2 for the first and the second of
    two; ``is_missing`` says that the day does not have it.
    """

    at: datetime
    wall: datetime
    turn: int = 0
    is_missing: bool = False


@lru_cache(maxsize=4096)
def begin_of_day(day: date, zone: ZoneInfo) -> tuple[datetime, timedelta]:
    """When a day begins, in UTC, and by how much the zone is ahead of UTC then."""
    midnight = datetime.combine(day, time(), tzinfo=zone)
    return midnight.astimezone(UTC), midnight.utcoffset() or timedelta()


def is_plain(day: date, zone: ZoneInfo) -> bool:
    """Whether the clocks go through this day without a change."""
    return begin_of_day(day, zone)[1] == begin_of_day(day + DAY, zone)[1]


def moments_of(wall: datetime, zone: ZoneInfo, *, both: bool) -> Iterator[Moment]:
    """What a local time stands for; the second of two only where ``both`` are wanted."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    ahead, then = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
    if ahead == then:
        yield Moment(at=first.astimezone(UTC), wall=wall)
    elif ahead < then:
        yield Moment(at=_end_of_gap(wall, zone, ahead, then), wall=wall, is_missing=True)
    else:
        yield Moment(at=first.astimezone(UTC), wall=wall, turn=1)
        if both:
            yield Moment(at=second.astimezone(UTC), wall=wall, turn=2)


def _end_of_gap(wall: datetime, zone: ZoneInfo, before: timedelta, after: timedelta) -> datetime:
    """The instant at which the clocks go forward over ``wall``, to the second."""
    utc = wall.replace(tzinfo=UTC)
    early, late = utc - after, utc - before
    while late - early > SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
