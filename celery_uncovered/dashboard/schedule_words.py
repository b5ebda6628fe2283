"""When a schedule runs, in words: "At 07:30, only on Monday"."""

from datetime import datetime, tzinfo

from cron_descriptor import (  # type: ignore[import-untyped]  # the package ships no types
    Options,
    get_description,
)
from cron_descriptor.Exception import (  # type: ignore[import-untyped]  # as above
    FormatException,
    MissingFieldException,
    WrongArgumentException,
)
from django.utils.timezone import localtime
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from celery_uncovered.dashboard.schedule_times import fields_of
from celery_uncovered.jobs import api as jobs

UNSPEAKABLE = (
    FormatException,
    MissingFieldException,
    WrongArgumentException,
    IndexError,
    ValueError,
)


def in_words(row: PeriodicTask) -> str:
    if row.crontab is not None:
        return _crontab_words(row.crontab)
    if row.interval is not None:
        return str(row.interval).capitalize()
    if row.clocked is not None:
        return f"Once, at {localtime(row.clocked.clocked_time):%Y-%m-%d %H:%M %Z}"
    return str(row.solar)


def zone_in_words(row: PeriodicTask) -> str:
    """The zone that the words are in; "" for what goes by elapsed time, or by the sun."""
    return jobs.zone_of_schedule(row) if row.crontab is not None else ""


def moment_words(at: datetime, zone: tzinfo) -> str:
    """In that zone, as "Mon 4 May 07:30"."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _crontab_words(crontab: CrontabSchedule) -> str:
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_GB"
    fields = fields_of(crontab)
    try:
        words = str(get_description(" ".join(fields), options))
    except UNSPEAKABLE:
        return f"Crontab {' '.join(fields)}"
    is_daily = fields[2:] == ("*", "*", "*") and words.startswith("At ")
    return f"{words}, every day" if is_daily and "every hour" not in words else words
