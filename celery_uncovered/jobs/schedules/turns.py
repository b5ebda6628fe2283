"""A schedule in a transaction: its row and what is kept of it, read together."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import CharField
from django.db.models.functions import Cast

from celery_uncovered.jobs.errors import BadScheduleError
from celery_uncovered.jobs.models import ScheduleRecord
from celery_uncovered.jobs.schedules import marks, plans
from celery_uncovered.jobs.schedules.misfire import Verdict
from celery_uncovered.jobs.schedules.plans import Plan
from celery_uncovered.jobs.states import OccurrenceOutcome

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Turn:
    """``begin`` is the moment up to which all is decided; ``is_over`` that nothing will be due again."""

    row: Any
    record: ScheduleRecord
    plan: Plan
    begin: datetime
    verdicts: list[Verdict] = field(default_factory=list)
    is_over: bool = False

    @property
    def has_had_its_one(self) -> bool:
        """As django-celery-beat leaves one that ran its only time, until it looks again."""
        return bool(self.row.one_off and self.row.total_run_count)

    @property
    def is_unmarked(self) -> bool:
        return self.record.plan != self.plan.text or self.record.decided_until != self.begin

    @property
    def jobs(self) -> int:
        return sum(verdict.outcome == OccurrenceOutcome.SUBMITTED for verdict in self.verdicts)


def read_turns(ids: Sequence[int]) -> Iterator[Turn]:
    """The schedules of these that are enabled and can be read; the others are logged or left out."""
    enabled = rows_with_times().filter(pk__in=ids, enabled=True)
    found = {row.pk: row for row in enabled}
    records = ScheduleRecord.objects.in_bulk(list(found))
    for number in ids:
        row, record = found.get(number), records.get(number)
        if row is None:
            continue
        try:
            plan = plans.plan_of(row)
        except BadScheduleError as error:
            log.error("%s", error)  # noqa: TRY400  # a person's mistake: the sentence says it all
            continue
        begin = marks.begin_of(row, plan, record)
        record = record or ScheduleRecord(schedule_id=row.pk)
        yield Turn(row=row, record=record, plan=plan, begin=begin)


def wake_of(turn: Turn) -> datetime | None:
    """When there is something to decide of a schedule again."""
    if turn.is_over:
        return None
    if turn.has_had_its_one:
        return turn.begin
    found = plans.next_of(turn.row, turn.plan, turn.begin)
    at = found.at if found else None
    # The end of a schedule is noted too.
    return at or turn.row.expires


def rows() -> Any:
    """django-celery-beat's table of schedules."""
    model: Any = apps.get_model("django_celery_beat", "PeriodicTask")
    return model.objects.all()


def rows_with_times() -> Any:
    """Its rows with what ``plan_of`` reads of them, in one question.

    Zones as texts, ``zone_name``: one that this host does not know would spoil the question for all.
    """
    found = rows().select_related("crontab", "interval", "clocked", "solar")
    zone_name = Cast("crontab__timezone", CharField())
    return found.defer("crontab__timezone").annotate(zone_name=zone_name)
