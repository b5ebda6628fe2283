"""When a row of django-celery-beat is due: by crontab, interval, at one time, or by the sun.

An interval and the sun count elapsed time and know no clock change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from celery import current_app, schedules
from celery.exceptions import ImproperlyConfigured
from celery.schedules import ParseException
from django.conf import settings

from celery_uncovered.jobs.errors import BadScheduleError
from celery_uncovered.jobs.schedules import crontabs
from celery_uncovered.jobs.schedules.crontabs import Fields
from celery_uncovered.jobs.schedules.due import Due

#: Before any due time, and after.
EVER, FOREVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
#: How far a crontab's next is looked for: 29 February is a Monday within this, also around 2100.
HORIZON = timedelta(days=41 * 366)
#: What Celery and the row say of times that cannot be; ``ImproperlyConfigured`` is Celery's: a library is missing.
UNREADABLE = (ValueError, KeyError, IndexError, OverflowError, ImproperlyConfigured, ParseException)
INSTANT = timedelta(microseconds=1)
LONGEST = timedelta(days=36_525)
#: The sun's times are cut to seconds, and what comes within that is the same event once more.
SUN_APART = timedelta(seconds=10)
SUN_SEARCH = timedelta(days=366)


class Plan(Protocol):
    """``text`` differs where the due times do; ``is_once`` for one that has only one."""

    @property
    def text(self) -> str: ...

    def between(self, after: datetime, until: datetime) -> Iterator[Due]:
        """The due times later than ``after`` and not later than ``until``, in their order."""
        ...


@dataclass(frozen=True, kw_only=True)
class CrontabPlan:
    text: str
    fields: Fields
    zone: ZoneInfo

    def between(self, after: datetime, until: datetime) -> Iterator[Due]:
        far = after + HORIZON if after < FOREVER - HORIZON else FOREVER
        return crontabs.due_times(self.fields, self.zone, after, min(until, far))


@dataclass(frozen=True, kw_only=True)
class IntervalPlan:
    """Each ``every`` after ``start``, which is due itself; without one, counted from ``after``."""

    text: str
    every: timedelta
    start: datetime | None = None

    def between(self, after: datetime, until: datetime) -> Iterator[Due]:
        if self.start is None:
            at = after + self.every
        elif after < self.start:
            at = self.start
        else:
            at = self.start + ((after - self.start) // self.every + 1) * self.every
        while at <= until:
            yield Due(at=at)
            at += self.every


@dataclass(frozen=True, kw_only=True)
class ClockedPlan:
    text: str
    at: datetime

    def between(self, after: datetime, until: datetime) -> Iterator[Due]:
        if after < self.at <= until:
            yield Due(at=self.at)


@dataclass(frozen=True, kw_only=True)
class SolarPlan:
    text: str
    event: str
    latitude: Any
    longitude: Any

    def between(self, after: datetime, until: datetime) -> Iterator[Due]:
        at = self._next(after)
        while at is not None and at <= until:
            yield Due(at=at)
            at = self._next(at)

    def _next(self, after: datetime) -> datetime | None:
        """None where the sun does not do it within a year."""
        # Celery says when from a clock of ours: that is its one public answer.
        event: Any = self.event
        sun = schedules.solar(event, self.latitude, self.longitude, nowfun=lambda: after)
        since, at = after, after
        while at - after < SUN_APART:
            at = (after + sun.remaining_estimate(since)).replace(microsecond=0)
            since += SUN_APART
        return at if at - after < SUN_SEARCH else None


def plan_of(row: Any) -> Plan:
    """The plan of a ``PeriodicTask`` row. Raises BadScheduleError."""
    try:
        plan = _plan_of(row)
    except UNREADABLE as error:
        raise BadScheduleError(row.name, str(error)) from error
    if plan is None:
        raise BadScheduleError(row.name, "it says no time")
    return plan


def dues_of(row: Any, plan: Plan, after: datetime, until: datetime) -> Iterator[Due]:
    """The due times of a row: none before its start, and none from its end on."""
    if row.start_time is not None:
        after = max(after, row.start_time - INSTANT)
    if row.expires is not None:
        until = min(until, row.expires - INSTANT)
    return plan.between(after, until)


def next_of(row: Any, plan: Plan, after: datetime) -> Due | None:
    """The first due time later than ``after``; None where there is none to come."""
    return next(dues_of(row, plan, after, FOREVER), None)


def _plan_of(row: Any) -> Plan | None:
    if row.crontab_id is not None:
        return _crontab_plan(row)
    if row.interval_id is not None:
        return _interval_plan(row)
    if row.clocked_id is not None:
        at = row.clocked.clocked_time
        return ClockedPlan(text=f"at {at.isoformat()}", at=at.astimezone(UTC))
    if row.solar_id is not None:
        return _solar_plan(row.solar)
    return None


def _crontab_plan(row: Any) -> CrontabPlan:
    crontab = row.crontab
    fields = (
        crontab.minute,
        crontab.hour,
        crontab.day_of_month,
        crontab.month_of_year,
        crontab.day_of_week,
    )
    zone = ZoneInfo(zone_of(row))
    return CrontabPlan(
        text=f"{' '.join(fields)} {zone.key}", fields=crontabs.read_fields(*fields), zone=zone
    )


def zone_of(row: Any) -> str:
    """The zone of a row's crontab, or Celery's where django-celery-beat is told so."""
    if not getattr(settings, "DJANGO_CELERY_BEAT_TZ_AWARE", True):
        return str(current_app.timezone)
    known: str | None = getattr(row, "zone_name", None)
    return known or str(row.crontab.timezone)


def _interval_plan(row: Any) -> IntervalPlan:
    every = timedelta(**{row.interval.period: row.interval.every})
    if not timedelta() < every <= LONGEST:
        message = f"{row.interval.every} {row.interval.period} is no interval of up to a century"
        raise ValueError(message)
    start = row.start_time
    text = f"every {every.total_seconds()} s{f' from {start.isoformat()}' if start else ''}"
    return IntervalPlan(text=text, every=every, start=start)


def _solar_plan(row: Any) -> SolarPlan:
    # Made once for what it refuses: a place that is none, or a missing library.
    schedules.solar(row.event, row.latitude, row.longitude)
    return SolarPlan(
        text=f"{row.event} at {row.latitude}, {row.longitude}",
        event=row.event,
        latitude=row.latitude,
        longitude=row.longitude,
    )
