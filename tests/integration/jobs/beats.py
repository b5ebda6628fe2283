"""What the tests of schedules call in a stack's own process."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import time_machine
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from celery_uncovered.jobs.messages import decode
from celery_uncovered.jobs.models import Job, Leader, Occurrence, ScheduleRecord
from celery_uncovered.jobs.schedules.submitting import DUE_HEADER
from tests.support.app import tasks
from tests.support.beats import Beat

Told = dict[str, Any]


def clear() -> None:
    """Only what the test makes is scheduled."""
    PeriodicTask.objects.all().delete()


def every(seconds: int, name: str, *, misfire: str = "", grace: int = 60) -> int:
    """A schedule's id."""
    interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")
    return _make(name, misfire, grace, interval=interval)


def by_crontab(text: str, zone: str, name: str, *, misfire: str = "", grace: int = 60) -> int:
    minute, hour, day, month, weekday = text.split()
    crontab = CrontabSchedule.objects.create(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        timezone=zone,
    )
    return _make(name, misfire, grace, crontab=crontab)


def _make(name: str, misfire: str, grace: int, **when: Any) -> int:
    row = PeriodicTask.objects.create(name=name, task=tasks.add.name, args="[1, 1]", **when)
    if misfire:
        ScheduleRecord.objects.create(schedule_id=row.pk, misfire=misfire, grace_seconds=grace)
    return int(row.pk)


def pause(number: int) -> None:
    row = PeriodicTask.objects.get(pk=number)
    row.enabled = False
    row.save()


def marked() -> int:
    """How many schedules beat knows."""
    return ScheduleRecord.objects.exclude(plan="").count()


def let_be_missed(number: int, minutes: float) -> None:
    """As if nothing had been decided for so long: everything was down."""
    since = timezone.now() - timedelta(minutes=minutes)
    ScheduleRecord.objects.filter(schedule_id=number).update(decided_until=since)


def told(number: int) -> list[Told]:
    """The occurrences of a schedule in order; moments in seconds since 1970."""
    return [
        {
            "due": row.due_at.timestamp(),
            "outcome": row.outcome,
            "job": row.task_id,
            "note": row.note,
            "decided": row.created_at.timestamp(),
        }
        for row in Occurrence.objects.filter(schedule_id=number).order_by("due_at")
    ]


def count(number: int) -> int:
    return Occurrence.objects.filter(schedule_id=number).count()


def jobs_by_due() -> dict[str, int]:
    """How many jobs there are for each schedule and due time, as the jobs themselves say."""
    jobs: Counter[str] = Counter()
    for message in Job.objects.values_list("message", flat=True):
        headers = decode(message)["headers"]
        due = datetime.fromisoformat(headers[DUE_HEADER])
        jobs[f"{headers['periodic_task_name']} {due.timestamp():.0f}"] += 1
    return dict(jobs)


def leader() -> list[Any] | None:
    """The process id of the beat that leads, and its epoch."""
    row = Leader.objects.filter(role="beat", expires_at__gt=timezone.now()).first()
    return [int(row.holder.split(":")[2]), row.epoch] if row else None


def through_the_night(begin: str, end: str, crontab: str, zone: str) -> list[list[Any]]:
    """Two beats from ``begin`` to ``end`` (UTC), one of which dies in the middle of each hour.

    The occurrences of the crontab: the local time of each, its outcome, how many jobs, and its note.
    """
    clear()
    first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end)
    with time_machine.travel(first, tick=False) as traveller:
        number = by_crontab(crontab, zone, "at night")
        beats = [Beat(traveller, "one:b:1:0"), Beat(traveller, "two:b:1:0")]
        while timezone.now() < last:
            for beat in beats:
                beat.tick()
            if timezone.now().minute == 30:
                # Without a word, as by SIGKILL.
                beats = [beats[1], Beat(traveller, f"next:b:1:{timezone.now().timestamp():.0f}")]
            traveller.shift(timedelta(minutes=1))
    with timezone.override(zone):
        return [
            [
                timezone.localtime(row.due_at).strftime("%m-%d %H:%M %z"),
                row.outcome,
                Job.objects.filter(id=row.task_id).count(),
                row.note,
            ]
            for row in Occurrence.objects.filter(schedule_id=number).order_by("due_at")
        ]
