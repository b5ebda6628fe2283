"""How far a schedule has been decided, and what follows when its row says another thing than it did."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.apps import apps

from celery_uncovered.jobs.models import ScheduleRecord
from celery_uncovered.jobs.schedules.misfire import Rules
from celery_uncovered.jobs.schedules.plans import EVER, ClockedPlan, CrontabPlan, Plan
from celery_uncovered.jobs.states import Misfire

#: What beat changes of a record; the rest is people's.
OF_BEAT = ["plan", "decided_until"]
CHUNK = 500


def begin_of(row: Any, plan: Plan, record: ScheduleRecord | None) -> datetime:
    """Since when (exclusive) the due times of ``row`` are still to be decided.

    Where it was changed or resumed since they were decided last, since that moment.
    """
    changed: datetime = row.date_changed
    known = record.decided_until if record is not None else None
    if record is None or known is None:
        # New, or of a time before this scheduler.
        return EVER if isinstance(plan, ClockedPlan) else row.last_run_at or changed
    if record.plan != plan.text:
        if isinstance(plan, ClockedPlan):
            return EVER
        # Whoever changes a crontab itself, or many rows at once, leaves no time on the row.
        return changed if changed > known else max(known, _last_change() or known)
    if row.last_run_at is None and row.total_run_count:
        # Paused and resumed while nobody looked.
        return max(known, changed)
    return known


def rules_of(record: ScheduleRecord | None, plan: Plan | None) -> Rules:
    """The policy of a schedule; where nobody chose one, the usual one.

    That is to run once, or what Celery's ``beat_cron_starting_deadline`` says of crontabs.
    """
    if record is not None and record.misfire:
        grace = timedelta(seconds=record.grace_seconds)
        return Rules(misfire=Misfire(record.misfire), grace=grace)
    deadline = current_app.conf.beat_cron_starting_deadline
    if deadline is not None and isinstance(plan, CrontabPlan):
        return Rules(misfire=Misfire.SKIP, grace=timedelta(seconds=deadline))
    return Rules()


def save_marks(records: Iterable[ScheduleRecord]) -> None:
    """Keep how far these schedules are decided, new ones too."""
    ScheduleRecord.objects.bulk_create(
        records,
        update_conflicts=True,
        unique_fields=["schedule_id"],
        update_fields=OF_BEAT,
        batch_size=CHUNK,
    )


def _last_change() -> datetime | None:
    """When any schedule was changed last."""
    changes: Any = apps.get_model("django_celery_beat", "PeriodicTasks")
    moment: datetime | None = changes.last_change()
    return moment
