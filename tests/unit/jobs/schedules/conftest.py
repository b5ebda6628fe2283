from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from celery_uncovered.jobs.models import ScheduleRecord
from tests.support.app import tasks
from tests.support.beats import Beat

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


@pytest.fixture
def clock(committed_ledger: Any) -> Iterator[Any]:
    """Noon, until the test moves it; nothing is scheduled."""
    PeriodicTask.objects.all().delete()
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def beat(clock: Any) -> Beat:
    return Beat(clock)


@pytest.fixture
def another(clock: Any) -> Beat:
    """As it would run on another host."""
    return Beat(clock, "another:boot:1:1")


@pytest.fixture
def schedule(clock: Any) -> Callable[..., PeriodicTask]:
    """Makes a schedule: ``schedule("*/10 * * * *")``, ``schedule(seconds=10)``."""

    def make(
        crontab: str = "", *, misfire: str = "", grace: int = 60, **fields: Any
    ) -> PeriodicTask:
        own: dict[str, Any] = {"name": f"schedule {PeriodicTask.objects.count()}"}
        own |= {"task": tasks.add.name, "args": "[1, 1]"}
        if crontab:
            zone = fields.pop("zone", "UTC")
            own["crontab"] = crontab_of(crontab, zone)
        for period in ("seconds", "minutes", "days"):
            if period in fields:
                count = fields.pop(period)
                own["interval"] = IntervalSchedule.objects.create(every=count, period=period)
        row = PeriodicTask.objects.create(**own | fields)
        if misfire:
            ScheduleRecord.objects.create(schedule_id=row.pk, misfire=misfire, grace_seconds=grace)
        return row

    return make


def crontab_of(text: str, zone: str = "UTC") -> CrontabSchedule:
    minute, hour, day, month, weekday = text.split()
    return CrontabSchedule.objects.create(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        timezone=zone,
    )


def move_to_mars(row: PeriodicTask) -> None:
    """Into a zone that this host does not know, as one of a newer database of zones may be."""
    statement = "UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Base' WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(statement, [row.crontab_id])
