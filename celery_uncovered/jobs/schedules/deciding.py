"""Deciding what is due: verdicts, jobs, occurrences and marks in one transaction of the leader.

Everything is read within it. What beat has in memory only says when to look.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.apps import apps
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F, Q

from celery_uncovered.jobs import submit
from celery_uncovered.jobs.errors import BadScheduleError
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.models import Occurrence, ScheduleRecord
from celery_uncovered.jobs.schedules import marks, plans
from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.schedules.misfire import MOST, Verdict, joined, judge, skip_all
from celery_uncovered.jobs.schedules.plans import IntervalPlan, Plan
from celery_uncovered.jobs.schedules.submitting import submit_row
from celery_uncovered.jobs.states import OccurrenceOutcome

log = logging.getLogger(__name__)

#: Jobs that one transaction submits, or a few more: the due times of the last schedule in it.
MOST_JOBS = 200
#: Of an interval that was not decided for long, the latest of its due times are counted; of a crontab
#: those since the first of these times in which there are enough.
MANY = 10_000
LOOK_BACK = (timedelta(days=7), timedelta(days=366))
NOT_COUNTED = "What was due before is not counted."
#: Schedules whose known occurrences are found by one question.
MANY_OR = 50
EXPIRED = "The schedule had ended before it could be submitted."

#: When each schedule is to be looked at again; None for never.
Wakes = dict[int, datetime | None]


@dataclass(frozen=True, kw_only=True)
class Decided:
    """``wakes`` leaves out what is still to be looked at now; the schedules in ``over`` have ended."""

    wakes: Wakes
    over: list[int]


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The right to decide, as long as nobody else has led since ``epoch`` began."""

    candidate: Candidate
    epoch: int

    def hold(self) -> None:
        self.candidate.hold(self.epoch)


@dataclass(kw_only=True)
class Turn:
    """One schedule in a transaction: its row and record, and what was decided."""

    row: Any
    record: ScheduleRecord
    plan: Plan
    begin: datetime
    verdicts: list[Verdict] = field(default_factory=list)
    is_over: bool = False

    @property
    def jobs(self) -> int:
        return sum(verdict.outcome == OccurrenceOutcome.SUBMITTED for verdict in self.verdicts)


def decide(ids: Sequence[int], lead: Lead, now: datetime, *, refusal: str = "") -> Decided:
    """Decide what is due of these schedules, or of as many of them as one transaction takes.

    With ``refusal`` nothing is submitted, and the occurrences say why. Raises LeadLostError, and
    what the database raises, and then nothing was decided.
    """
    with transaction.atomic():
        lead.hold()
        turns = list(_turns(ids))
        judged = list(_judged(turns, now))
        _leave_out_known(judged)
        over = [turn.row.pk for turn in judged if turn.is_over]
        _carry_out(judged, now, refusal)
        _end(over)
        wakes: Wakes = dict.fromkeys(ids)
        wakes |= {turn.row.pk: wake_of(turn) for turn in judged}
        for left in turns[len(judged) :]:
            del wakes[left.row.pk]
    return Decided(wakes=wakes, over=over)


def settle_marks(ids: Sequence[int], lead: Lead, gone: Iterable[int], now: datetime) -> Wakes:
    """Note how far new and changed schedules are decided, and that the ``gone`` ones are paused."""
    with transaction.atomic():
        lead.hold()
        wakes: Wakes = dict.fromkeys(ids)
        turns = list(_turns(ids))
        marks.save_marks([_marked(turn) for turn in turns if _is_new(turn)])
        _note_paused(gone, now)
        return wakes | {turn.row.pk: wake_of(turn) for turn in turns}


def wake_of(turn: Turn) -> datetime | None:
    """When there is something to decide of a schedule again."""
    if turn.is_over:
        return None
    if _has_had_its_one(turn.row):
        return turn.begin
    found = plans.next_of(turn.row, turn.plan, turn.begin)
    at = found.at if found else None
    # The end of a schedule is noted too.
    return at or turn.row.expires


# --- reading -------------------------------------------------------------------------------------
def _turns(ids: Sequence[int]) -> Iterator[Turn]:
    rows = _rows().select_related("crontab", "interval", "clocked", "solar")
    found = {row.pk: row for row in rows.filter(pk__in=ids, enabled=True)}
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


def _is_new(turn: Turn) -> bool:
    return turn.record.plan != turn.plan.text or turn.record.decided_until != turn.begin


def _marked(turn: Turn) -> ScheduleRecord:
    turn.record.plan = "" if turn.is_over else turn.plan.text
    turn.record.decided_until = turn.begin
    return turn.record


def _note_paused(gone: Iterable[int], now: datetime) -> None:
    numbers = list(gone)
    for start in range(0, len(numbers), marks.CHUNK):
        chunk = numbers[start : start + marks.CHUNK]
        ScheduleRecord.objects.filter(schedule_id__in=chunk).exclude(plan="").update(
            plan="", decided_until=now
        )


# --- judging -------------------------------------------------------------------------------------
def _judged(turns: Iterable[Turn], now: datetime) -> Iterator[Turn]:
    """The turns with their verdicts, as many as one transaction takes."""
    jobs = 0
    for turn in turns:
        _judge(turn, now)
        yield turn
        jobs += turn.jobs
        if jobs >= MOST_JOBS:
            return


def _judge(turn: Turn, now: datetime) -> None:
    """Find the verdicts on what is due of one schedule, and move its begin behind them."""
    row = turn.row
    if _has_had_its_one(row):
        turn.is_over = True
        return
    begin = turn.begin if row.one_off else _recent(turn, now)
    dues: Iterable[Due] = plans.dues_of(row, turn.plan, begin, now)
    if row.one_off:
        dues = islice(dues, 1)
    has_expired = row.expires is not None and row.expires <= now
    rules = marks.rules_of(turn.record, turn.plan)
    turn.verdicts = skip_all(dues, rules, now, EXPIRED) if has_expired else judge(dues, rules, now)
    if begin > turn.begin and turn.verdicts:
        first = turn.verdicts[0]
        turn.verdicts[0] = replace(first, note=joined(first.note, NOT_COUNTED))
    if turn.verdicts:
        turn.begin = turn.verdicts[-1].due.at
    turn.is_over = has_expired or (row.one_off and bool(turn.verdicts))


def _has_had_its_one(row: Any) -> bool:
    """As django-celery-beat leaves one that ran its only time, until it looks again."""
    return bool(row.one_off and row.total_run_count)


def _recent(turn: Turn, now: datetime) -> datetime:
    """Where ``turn`` begins, or later where there is more than is decided one by one in any case."""
    plan, begin = turn.plan, turn.begin
    if isinstance(plan, IntervalPlan):
        start, end = plan.start or begin, min(now, turn.row.expires or now)
        count = (end - max(begin, start)) // plan.every
        return begin + (count - MANY) * plan.every if count > MANY else begin
    for length in LOOK_BACK:
        if begin < now - length:
            found = plans.dues_of(turn.row, plan, now - length, now)
            if sum(1 for _ in islice(found, MOST + 1)) > MOST:
                return now - length
    return begin


def _leave_out_known(turns: Sequence[Turn]) -> None:
    """What is decided already stays as it is, whatever made a schedule be looked at again."""
    with_any = [turn for turn in turns if turn.verdicts]
    for start in range(0, len(with_any), MANY_OR):
        chunk = with_any[start : start + MANY_OR]
        wanted = Q()
        for turn in chunk:
            moments = [verdict.due.at for verdict in turn.verdicts]
            wanted |= Q(schedule_id=turn.row.pk, due_at__in=moments)
        pairs = Occurrence.objects.filter(wanted).values_list("schedule_id", "due_at")
        known = set(pairs)
        for turn in chunk if known else ():
            turn.verdicts = [
                verdict for verdict in turn.verdicts if (turn.row.pk, verdict.due.at) not in known
            ]


# --- carrying out --------------------------------------------------------------------------------
def _carry_out(turns: Sequence[Turn], now: datetime, refusal: str) -> None:
    runs: Counter[int] = Counter()
    occurrences: list[Occurrence] = []
    with submit.together():
        for turn in turns:
            made = [_occurrence(turn.row, verdict, now, refusal) for verdict in turn.verdicts]
            runs[turn.row.pk] = sum(bool(one.task_id) for one in made)
            occurrences += made
    Occurrence.objects.bulk_create(occurrences, batch_size=marks.CHUNK)
    marks.save_marks([_marked(turn) for turn in turns if turn.is_over or _is_new(turn)])
    _note_runs(runs, now)


def _occurrence(row: Any, verdict: Verdict, now: datetime, refusal: str) -> Occurrence:
    """The row of a verdict, whose job is submitted; where that is refused, the row says so."""
    outcome, note, task_id = verdict.outcome, verdict.note, ""
    if outcome == OccurrenceOutcome.SUBMITTED:
        if not refusal:
            task_id, refusal = _submitted(row, verdict.due.at)
        if refusal:
            log.error("Schedule %s could not submit its job: %s", row.name, refusal)
            outcome, note = OccurrenceOutcome.REFUSED, joined(note, refusal)
    return Occurrence(
        schedule_id=row.pk,
        due_at=verdict.due.at,
        outcome=outcome,
        task_id=task_id,
        note=note,
        created_at=now,
    )


def _submitted(row: Any, due_at: datetime) -> tuple[str, str]:
    """The id of the job, or why there is none."""
    try:
        task_id = submit_row(row, due_at)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  # whatever a row says wrongly, it stops no other
        return "", str(error) or type(error).__name__
    log.info("Schedule %s submitted job %s", row.name, task_id)
    return task_id, ""


def _note_runs(runs: Counter[int], now: datetime) -> None:
    """Keep what django-celery-beat shows of its rows; without a word to its table of changes."""
    by_count: dict[int, list[int]] = {}
    for number, count in (+runs).items():
        by_count.setdefault(count, []).append(number)
    for count, ids in by_count.items():
        total = F("total_run_count") + count
        _rows().filter(pk__in=ids).update(last_run_at=now, total_run_count=total)


def _end(ids: Sequence[int]) -> None:
    """Disable schedules that will not be due again."""
    if ids:
        # Resumed, one that runs a single time may run once more.
        _rows().filter(pk__in=ids, one_off=True).update(total_run_count=0)
        _rows().filter(pk__in=ids).update(enabled=False)


def _rows() -> Any:
    model: Any = apps.get_model("django_celery_beat", "PeriodicTask")
    return model.objects.all()
