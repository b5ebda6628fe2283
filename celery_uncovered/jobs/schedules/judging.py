"""What is due of schedules by now, and what is to become of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Q

from celery_uncovered.jobs.models import Occurrence
from celery_uncovered.jobs.schedules import marks, plans
from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.schedules.misfire import MOST, joined, judge, skip_all
from celery_uncovered.jobs.schedules.plans import IntervalPlan
from celery_uncovered.jobs.schedules.turns import Turn

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


def judged_turns(turns: Iterable[Turn], now: datetime) -> Iterator[Turn]:
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
    if turn.has_had_its_one:
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


def leave_out_known(turns: Sequence[Turn]) -> None:
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
