"""Deciding what is due: verdicts, jobs, occurrences and marks in one transaction of the leader.

Everything is read within it. What beat has in memory only says when to look.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F

from celery_uncovered.jobs import submit
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.models import Occurrence, ScheduleRecord
from celery_uncovered.jobs.schedules import marks
from celery_uncovered.jobs.schedules.judging import judged_turns, leave_out_known
from celery_uncovered.jobs.schedules.misfire import Verdict, joined
from celery_uncovered.jobs.schedules.submitting import submit_row
from celery_uncovered.jobs.schedules.turns import Turn, read_turns, rows, wake_of
from celery_uncovered.jobs.states import OccurrenceOutcome

log = logging.getLogger(__name__)

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


def decide(ids: Sequence[int], lead: Lead, now: datetime, *, refusal: str = "") -> Decided:
    """Decide what is due of these schedules, or of as many of them as one transaction takes.

    With ``refusal`` nothing is submitted, and the occurrences say why. Raises LeadLostError, and
    what the database raises, and then nothing was decided.
    """
    with transaction.atomic():
        lead.hold()
        turns = list(read_turns(ids))
        judged = list(judged_turns(turns, now))
        leave_out_known(judged)
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
        turns = list(read_turns(ids))
        marks.save_marks([_marked(turn) for turn in turns if turn.is_unmarked])
        _note_paused(gone, now)
        return wakes | {turn.row.pk: wake_of(turn) for turn in turns}


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


def _carry_out(turns: Sequence[Turn], now: datetime, refusal: str) -> None:
    runs: Counter[int] = Counter()
    occurrences: list[Occurrence] = []
    with submit.together():
        for turn in turns:
            made = [_occurrence(turn.row, verdict, now, refusal) for verdict in turn.verdicts]
            runs[turn.row.pk] = sum(bool(one.task_id) for one in made)
            occurrences += made
    Occurrence.objects.bulk_create(occurrences, batch_size=marks.CHUNK)
    marks.save_marks([_marked(turn) for turn in turns if turn.is_over or turn.is_unmarked])
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
        rows().filter(pk__in=ids).update(last_run_at=now, total_run_count=total)


def _end(ids: Sequence[int]) -> None:
    """Disable schedules that will not be due again."""
    if ids:
        # Resumed, one that runs a single time may run once more.
        rows().filter(pk__in=ids, one_off=True).update(total_run_count=0)
        rows().filter(pk__in=ids).update(enabled=False)
