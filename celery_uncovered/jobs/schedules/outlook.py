"""What pages show of a schedule: what comes next, what became of the last ones, and its rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from celery_uncovered.jobs.errors import BadScheduleError
from celery_uncovered.jobs.models import Job, Occurrence, ScheduleRecord
from celery_uncovered.jobs.schedules import marks, plans
from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.schedules.misfire import Rules
from celery_uncovered.jobs.schedules.plans import IntervalPlan
from celery_uncovered.jobs.states import Misfire, OccurrenceOutcome, State

NEXT, LAST = 5, 20


@dataclass(frozen=True, kw_only=True)
class OccurrenceInfo:
    """A decided occurrence. ``state`` is its job's, None where it has none, or none any more."""

    due_at: datetime
    outcome: OccurrenceOutcome
    note: str
    task_id: str
    decided_at: datetime
    state: State | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """``problem`` is a sentence where the times of the schedule cannot be read."""

    rules: Rules
    next: tuple[Due, ...] = ()
    last: tuple[OccurrenceInfo, ...] = ()
    problem: str = ""


def outlooks(rows: Collection[Any], now: datetime) -> dict[int, Outlook]:
    """The outlook of each ``PeriodicTask`` row, by its id; the last ones are in their order."""
    records = ScheduleRecord.objects.in_bulk([row.pk for row in rows])
    last = {row.pk: _last_of(row.pk) for row in rows}
    states = _jobs_of([one.task_id for found in last.values() for one in found if one.task_id])
    return {
        row.pk: _outlook(
            row, records.get(row.pk), [_info(one, states) for one in last[row.pk]], now
        )
        for row in rows
    }


def set_rules(schedule_id: int, *, misfire: str, grace_seconds: int) -> None:
    """Say what becomes of occurrences that a schedule misses; in force from the next one on."""
    ScheduleRecord.objects.update_or_create(
        schedule_id=schedule_id,
        defaults={"misfire": Misfire(misfire), "grace_seconds": grace_seconds},
    )


def _outlook(
    row: Any, record: ScheduleRecord | None, last: Sequence[OccurrenceInfo], now: datetime
) -> Outlook:
    try:
        plan = plans.plan_of(row)
    except BadScheduleError as error:
        rules = marks.rules_of(record, None)
        return Outlook(rules=rules, last=tuple(last), problem=str(error))
    rules = marks.rules_of(record, plan)
    if not row.enabled:
        return Outlook(rules=rules, last=tuple(last))
    begin = marks.begin_of(row, plan, record)
    if isinstance(plan, IntervalPlan) and plan.start is None:
        # From the last one on, and not from now.
        plan = replace(plan, start=begin + plan.every)
    if begin != plans.EVER:
        begin = max(begin, now)
    many = 1 if row.one_off else NEXT
    following = islice(plans.dues_of(row, plan, begin, plans.FOREVER), many)
    return Outlook(rules=rules, next=tuple(following), last=tuple(last))


def _last_of(schedule_id: int) -> list[Occurrence]:
    found = Occurrence.objects.filter(schedule_id=schedule_id).order_by("-due_at")[:LAST]
    return list(found)[::-1]


def _jobs_of(task_ids: list[str]) -> dict[str, Job]:
    columns = ("id", "state", "started_at", "finished_at")
    return {job.id: job for job in Job.objects.filter(id__in=task_ids).only(*columns)}


def _info(one: Occurrence, jobs: dict[str, Job]) -> OccurrenceInfo:
    job = jobs.get(one.task_id)
    return OccurrenceInfo(
        due_at=one.due_at,
        outcome=OccurrenceOutcome(one.outcome),
        note=one.note,
        task_id=one.task_id,
        decided_at=one.created_at,
        state=State(job.state) if job else None,
        started_at=job.started_at if job else None,
        finished_at=job.finished_at if job else None,
    )
