"""When a schedule runs, as its form says it, and as the rows of django-celery-beat do."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs

#: The last day that every month has.
LAST_DAY = 28
KINDS = ("crontab", "interval", "clocked", "solar")


class Rhythm(StrEnum):
    MINUTES = "minutes"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    CRONTAB = "crontab"
    #: What the fields of the form cannot say stays as it is.
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True)
class Times:
    """What is chosen in the form; only what belongs to the rhythm counts.

    ``crontab`` holds the five fields in their order.
    """

    rhythm: Rhythm
    minutes: int = 15
    at: time = time()
    weekday: str = "1"
    day: int = 1
    crontab: tuple[str, ...] = ()
    zone: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The five fields of the crontab that these times are."""
        minute, hour = str(self.at.minute), str(self.at.hour)
        return {
            Rhythm.HOUR: (minute, "*", "*", "*", "*"),
            Rhythm.DAY: (minute, hour, "*", "*", "*"),
            Rhythm.WEEK: (minute, hour, "*", "*", self.weekday),
            Rhythm.MONTH: (minute, hour, str(self.day), "*", "*"),
        }.get(self.rhythm, self.crontab)

    def apply_to(self, row: PeriodicTask) -> None:
        """Have ``row``, which is saved by the caller, run at these times and no others."""
        if self.rhythm == Rhythm.KEEP:
            return
        if row.clocked_id is not None:
            # It had one time; it has many now.
            row.one_off = False
        for kind in KINDS:
            setattr(row, kind, None)
        if self.rhythm == Rhythm.MINUTES:
            row.interval = _interval(self.minutes)
        else:
            row.crontab = _crontab(self.fields, self.zone)


def times_of(row: PeriodicTask, zone: str) -> Times:
    """The form's choices for a row that exists; ``zone`` is that of what has none."""
    if row.interval is not None and row.interval.period == IntervalSchedule.MINUTES:
        return Times(rhythm=Rhythm.MINUTES, minutes=row.interval.every, zone=zone)
    if row.crontab is None:
        return Times(rhythm=Rhythm.KEEP, zone=zone)
    fields = fields_of(row.crontab)
    rhythm = _rhythm_of(fields)
    minute, hour, day, _, weekday = fields
    return Times(
        rhythm=rhythm,
        at=time()
        if rhythm == Rhythm.CRONTAB
        else time(0 if hour == "*" else int(hour), int(minute)),
        weekday=weekday if rhythm == Rhythm.WEEK else "1",
        day=int(day) if rhythm == Rhythm.MONTH else 1,
        crontab=fields,
        zone=jobs.zone_of_schedule(row),
    )


def _rhythm_of(fields: tuple[str, ...]) -> Rhythm:
    """The simplest rhythm that says the same as these fields of a crontab."""
    minute, hour, day, month, weekday = fields
    if not _is_number(minute, 59) or month != "*":
        return Rhythm.CRONTAB
    if (hour, day, weekday) == ("*", "*", "*"):
        return Rhythm.HOUR
    if not _is_number(hour, 23):
        return Rhythm.CRONTAB
    if (day, weekday) == ("*", "*"):
        return Rhythm.DAY
    if day == "*" and _is_number(weekday, 6):
        return Rhythm.WEEK
    is_monthly = weekday == "*" and _is_number(day, LAST_DAY) and int(day) > 0
    return Rhythm.MONTH if is_monthly else Rhythm.CRONTAB


def fields_of(crontab: CrontabSchedule) -> tuple[str, ...]:
    """The five fields in the order in which crontabs are written."""
    return (
        crontab.minute,
        crontab.hour,
        crontab.day_of_month,
        crontab.month_of_year,
        crontab.day_of_week,
    )


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= most


def _interval(minutes: int) -> IntervalSchedule:
    wanted = {"every": minutes, "period": IntervalSchedule.MINUTES}
    found = IntervalSchedule.objects.filter(**wanted).first()
    return found or IntervalSchedule.objects.create(**wanted)


def _crontab(fields: tuple[str, ...], zone: str) -> CrontabSchedule:
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    wanted = {**dict(zip(names, fields, strict=True)), "timezone": zone}
    found = CrontabSchedule.objects.filter(**wanted).first()
    return found or CrontabSchedule.objects.create(**wanted)
