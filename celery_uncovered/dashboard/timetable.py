"""Schedules: django-celery-beat's entries as pages show them, and what an operator does with them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from celery_uncovered.dashboard.outcome_bars import Bars, bars_of
from celery_uncovered.dashboard.schedule_times import Times
from celery_uncovered.dashboard.schedule_words import in_words, moment_words, zone_in_words
from celery_uncovered.jobs import api as jobs


@dataclass(frozen=True, kw_only=True)
class Following:
    """A due time to come, in the zone of its schedule."""

    at: datetime
    words: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A schedule as a page shows it; ``next`` is empty while it is paused.

    ``problem`` is a sentence where its times cannot be read.
    """

    id: int
    name: str
    task: str
    label: str
    arguments: str
    words: str
    zone: str
    is_active: bool
    last_run: datetime | None
    next: tuple[Following, ...]
    last: Bars
    rules: jobs.MisfireRules
    problem: str

    @property
    def remarks(self) -> list[str]:
        """What changes of the clocks will do to the next ones."""
        return [following.note for following in self.next if following.note]


@dataclass(frozen=True, kw_only=True)
class EntryPage:
    """``after`` is what the following page begins behind; "" where there is none."""

    entries: list[Entry]
    after: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the form says about a schedule; ``chosen`` None leaves its arguments as they are."""

    name: str
    times: Times
    chosen: Mapping[str, str] | None
    misfire: str
    grace_seconds: int


def entry_page(*, after: str = "", limit: int = 25) -> EntryPage:
    """Schedules, active ones first, then by name."""
    rows = _rows().order_by("-enabled", "name")
    active, _, name = after.partition(":")
    if name:
        behind = Q(enabled=active == "1", name__gt=name)
        rows = rows.filter(behind | Q(enabled=False) if active == "1" else behind)
    found = list(rows[: limit + 1])
    shown, last = found[:limit], found[limit - 1] if len(found) > limit else None
    return EntryPage(
        entries=_entries(shown), after=f"{int(last.enabled)}:{last.name}" if last else ""
    )


def entry_of(row: PeriodicTask) -> Entry:
    return _entries([row])[0]


def find_row(entry_id: int) -> PeriodicTask | None:
    found: PeriodicTask | None = _rows().filter(pk=entry_id).first()
    return found


def create_entry(task: jobs.SchedulableTask, settings: Settings) -> PeriodicTask:
    """Have ``task`` submitted as ``settings`` say; the name must be free."""
    kwargs = json.dumps({**task.fixed, **(settings.chosen or {})})
    return _save(PeriodicTask(task=task.task, kwargs=kwargs), settings)


def change_entry(row: PeriodicTask, settings: Settings) -> PeriodicTask:
    if settings.chosen is not None:
        row.kwargs = json.dumps({**kwargs_of(row), **settings.chosen})
    return _save(row, settings)


def _save(row: PeriodicTask, settings: Settings) -> PeriodicTask:
    with transaction.atomic():
        row.name = settings.name
        settings.times.apply_to(row)
        row.save()
        jobs.set_misfire_rules(
            row.pk, misfire=settings.misfire, grace_seconds=settings.grace_seconds
        )
    return row


def is_taken(name: str, *, but_for: int | None = None) -> bool:
    return bool(PeriodicTask.objects.filter(name=name).exclude(pk=but_for).exists())


def set_active(row: PeriodicTask, *, active: bool) -> None:
    row.enabled = active
    row.save()


def kwargs_of(row: PeriodicTask) -> dict[str, Any]:
    """The keyword arguments of a row; none where what it holds cannot be read."""
    try:
        kwargs = json.loads(row.kwargs or "{}")
    except ValueError:
        return {}
    return kwargs if isinstance(kwargs, dict) else {}


def _rows() -> Any:
    # Celery's clean-up of results does nothing here: retention removes them with their jobs.
    return jobs.schedule_rows().exclude(task="celery.backend_cleanup")


def _entries(rows: Sequence[PeriodicTask]) -> list[Entry]:
    outlooks = jobs.schedule_outlooks(rows, timezone.now())
    return [_entry(row, outlooks[row.pk]) for row in rows]


def _entry(row: PeriodicTask, outlook: jobs.Outlook) -> Entry:
    known = next((one for one in jobs.schedulable_tasks() if one.task == row.task), None)
    zone = zone_in_words(row)
    is_known = zone and not outlook.problem
    own_zone = ZoneInfo(zone) if is_known else timezone.get_current_timezone()
    return Entry(
        id=row.pk,
        name=row.name,
        task=row.task,
        label=known.label if known else row.task,
        arguments=", ".join(_shown_arguments(row, known.fixed if known else {})),
        words=in_words(row),
        zone=zone,
        is_active=row.enabled,
        last_run=row.last_run_at,
        next=tuple(_following(due, own_zone) for due in outlook.next),
        last=bars_of(outlook.last, own_zone),
        rules=outlook.rules,
        problem=outlook.problem,
    )


def _following(due: jobs.Due, zone: tzinfo) -> Following:
    return Following(at=due.at.astimezone(zone), words=moment_words(due.at, zone), note=due.note)


def _shown_arguments(row: PeriodicTask, fixed: Mapping[str, Any]) -> list[str]:
    """The arguments that somebody chose: what is fixed for the task goes without saying."""
    named = kwargs_of(row).items()
    return [f"{key.replace('_', ' ')} {value}" for key, value in named if key not in fixed]
