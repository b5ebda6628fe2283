"""Schedules: django-celery-beat's entries in words, and what an operator does with them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cron_descriptor import (  # type: ignore[import-untyped]  # the package ships no types
    Options,
    get_description,
)
from django.db import transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A schedule as the page shows it; ``next_run`` is None while it is paused."""

    id: int
    name: str
    task: str
    label: str
    arguments: str
    words: str
    zone: str
    is_active: bool
    last_run: datetime | None
    next_run: datetime | None


@dataclass(frozen=True, kw_only=True)
class Times:
    """When a schedule runs, in the fields of a crontab."""

    minute: int
    hour: int
    day_of_week: str = "*"
    day_of_month: str = "*"
    zone: str


def entries() -> list[Entry]:
    """All schedules, active ones first, then by name."""
    rows = PeriodicTask.objects.select_related("crontab", "interval", "clocked", "solar")
    # Celery's clean-up of results does nothing here: retention removes them with their jobs.
    rows = rows.exclude(task="celery.backend_cleanup")
    return [_entry(row) for row in rows.order_by("-enabled", "name")]


def create_entry(
    *, name: str, task: jobs.SchedulableTask, chosen: Mapping[str, str], times: Times
) -> None:
    """Have ``task`` submitted with the chosen arguments; ``name`` must be free."""
    with transaction.atomic():
        PeriodicTask.objects.create(
            name=name,
            task=task.task,
            kwargs=json.dumps({**task.fixed, **chosen}),
            crontab=_crontab(times),
        )


def is_taken(name: str) -> bool:
    return bool(PeriodicTask.objects.filter(name=name).exists())


def set_active(row: PeriodicTask, *, active: bool) -> None:
    row.enabled = active
    row.save()


def submit_entry(row: PeriodicTask) -> str:
    """Submit what the schedule submits; returns the job's id. Raises JobError."""
    options = {"queue": row.queue} if row.queue else {}
    return jobs.submit(
        row.task,
        args=json.loads(row.args or "[]"),
        kwargs=json.loads(row.kwargs or "{}"),
        **options,
    )


def in_words(row: PeriodicTask) -> str:
    """When the schedule runs: "At 00:00, only on Monday"."""
    if row.crontab is not None:
        return _crontab_words(row.crontab)
    if row.interval is not None:
        return str(row.interval).capitalize()
    if row.clocked is not None:
        return f"Once, at {row.clocked.clocked_time:%Y-%m-%d %H:%M}"
    return str(row.solar)


def _entry(row: PeriodicTask) -> Entry:
    labels = {task.task: task.label for task in jobs.schedulable_tasks()}
    return Entry(
        id=row.pk,
        name=row.name,
        task=row.task,
        label=labels.get(row.task, row.task),
        arguments=", ".join(f"{key} {value}" for key, value in _shown_kwargs(row)),
        words=in_words(row),
        zone=str(row.crontab.timezone) if row.crontab is not None else "",
        is_active=row.enabled,
        last_run=row.last_run_at,
        next_run=_next_run(row) if row.enabled else None,
    )


def _shown_kwargs(row: PeriodicTask) -> list[tuple[str, Any]]:
    """The arguments that somebody chose: what is fixed for the task goes without saying."""
    fixed = next((one.fixed for one in jobs.schedulable_tasks() if one.task == row.task), {})
    kwargs = json.loads(row.kwargs or "{}")
    return [(key.replace("_", " "), value) for key, value in kwargs.items() if key not in fixed]


def _next_run(row: PeriodicTask) -> datetime:
    now = timezone.now()
    since = now if row.crontab is not None else row.last_run_at or now
    left: timedelta = row.schedule.remaining_estimate(since)
    return now + left


def _crontab(times: Times) -> CrontabSchedule:
    wanted = {
        "minute": str(times.minute),
        "hour": str(times.hour),
        "day_of_week": times.day_of_week,
        "day_of_month": times.day_of_month,
        "month_of_year": "*",
        "timezone": times.zone,
    }
    return CrontabSchedule.objects.filter(**wanted).first() or CrontabSchedule.objects.create(
        **wanted
    )


def _crontab_words(crontab: CrontabSchedule) -> str:
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_GB"
    fields = (
        crontab.minute,
        crontab.hour,
        crontab.day_of_month,
        crontab.month_of_year,
        crontab.day_of_week,
    )
    words = str(get_description(" ".join(fields), options))
    is_daily = fields[2:] == ("*", "*", "*") and words.startswith("At ")
    return f"{words}, every day" if is_daily else words
