"""What becomes of the due times that are still to be decided: in time there is one, after a pause many."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.states import Misfire, OccurrenceOutcome

#: How many due times of one schedule are decided, and noted, one by one; those before are summed up.
MOST = 100
MERGED, SKIPPED = OccurrenceOutcome.MERGED, OccurrenceOutcome.SKIPPED
SUBMITTED = OccurrenceOutcome.SUBMITTED


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A schedule's policy; ``grace`` is how late one may be that is not skipped."""

    misfire: Misfire = Misfire.ONCE
    grace: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    due: Due
    outcome: OccurrenceOutcome
    note: str = ""


def judge(dues: Iterable[Due], rules: Rules, now: datetime) -> list[Verdict]:
    """A verdict for each of ``dues``, which are in order and not later than ``now``.

    Of more than MOST the first one stands for all that are not among the latest.
    """
    first, count, latest = None, 0, deque[Due](maxlen=MOST)
    for due in dues:
        first, count = first or due, count + 1
        latest.append(due)
    if first is None:
        return []
    missed, last = list(latest)[:-1], latest[-1]
    before = count - len(latest)
    if rules.misfire == Misfire.ALL:
        verdicts = [_verdict(due, SUBMITTED) for due in latest]
        why = f"no more than {MOST} missed ones are made up for"
        return [*_summed_up(first, before, SKIPPED, why), *verdicts]
    if rules.misfire == Misfire.SKIP:
        kept = _last_or_skipped(last, rules.grace, now)
        verdicts = [_verdict(due, SKIPPED, "Missed.") for due in missed]
        return [*_summed_up(first, before, SKIPPED, "missed"), *verdicts, kept]
    stands = f"It stands for {_times(count - 1)} missed before it." if count > 1 else ""
    verdicts = [_verdict(due, MERGED, "Missed; the next job stands for it.") for due in missed]
    summed = _summed_up(first, before, MERGED, "missed; the next job stands for them")
    return [*summed, *verdicts, _verdict(last, SUBMITTED, stands)]


def skip_all(dues: Iterable[Due], rules: Rules, now: datetime, why: str) -> list[Verdict]:
    """The same due times, none of them submitted."""
    return [
        verdict
        if verdict.outcome == SKIPPED
        else Verdict(due=verdict.due, outcome=SKIPPED, note=joined(verdict.due.note, why))
        for verdict in judge(dues, rules, now)
    ]


def joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _last_or_skipped(last: Due, grace: timedelta, now: datetime) -> Verdict:
    if now - last.at <= grace:
        return _verdict(last, SUBMITTED)
    late, allowed = (round(span.total_seconds()) for span in (now - last.at, grace))
    return _verdict(last, SKIPPED, f"Missed: {late:,} s late, and {allowed:,} s are allowed.")


def _summed_up(first: Due, count: int, outcome: OccurrenceOutcome, why: str) -> list[Verdict]:
    if not count:
        return []
    what = f"{_times(count)} from here on: {why}." if count > 1 else f"{why.capitalize()}."
    return [_verdict(first, outcome, what)]


def _times(count: int) -> str:
    return f"{count:,} times" if count > 1 else "1 time"


def _verdict(due: Due, outcome: OccurrenceOutcome, note: str = "") -> Verdict:
    return Verdict(due=due, outcome=outcome, note=joined(due.note, note))
