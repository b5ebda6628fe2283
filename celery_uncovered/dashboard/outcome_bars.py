"""The last occurrences of a schedule as a row of bars: their state by look and words, their time by height."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from celery_uncovered.dashboard.schedule_words import moment_words
from celery_uncovered.jobs import api as jobs

#: Of a bar's box, in pixels; the lowest bar can still be seen, and its box be hit.
HEIGHT, LOWEST = 24, 7
#: What failed has a cross above it.
CROSSED, CROSS = {"failure", "refused"}, 10
#: What did not become a job has no state of one.
LOOKS = {
    jobs.OccurrenceOutcome.MERGED: "merged",
    jobs.OccurrenceOutcome.SKIPPED: "skipped",
    jobs.OccurrenceOutcome.REFUSED: "refused",
}
GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """``look`` is the state in lower case, or what is said of an occurrence without a job."""

    occurrence: jobs.OccurrenceInfo
    look: str
    word: str
    due: str
    took: timedelta | None
    y: int
    height: int
    is_hollow: bool
    is_crossed: bool


@dataclass(frozen=True, kw_only=True)
class Bars:
    bars: tuple[Bar, ...]
    #: "18 succeeded, 1 failed"
    summary: str


def bars_of(occurrences: Sequence[jobs.OccurrenceInfo], zone: tzinfo) -> Bars:
    """The bars, which say in this zone when each was due."""
    longest = max(filter(None, map(_took, occurrences)), default=timedelta())
    bars = tuple(_bar(one, longest, zone) for one in occurrences)
    counts = Counter(bar.word.lower() for bar in bars)
    summary = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    return Bars(bars=bars, summary=summary)


def _bar(one: jobs.OccurrenceInfo, longest: timedelta, zone: tzinfo) -> Bar:
    took, look = _took(one), look_of(one)
    share = took / longest if took is not None and longest else 0
    highest = HEIGHT - CROSS if look in CROSSED else HEIGHT
    height = LOWEST + round((highest - LOWEST) * share)
    return Bar(
        occurrence=one,
        look=look,
        word=word_of(one),
        due=moment_words(one.due_at, zone),
        took=took,
        y=HEIGHT - height,
        height=height,
        is_hollow=one.state is None,
        is_crossed=look in CROSSED,
    )


def look_of(one: jobs.OccurrenceInfo) -> str:
    if one.outcome in LOOKS:
        return LOOKS[one.outcome]
    return GONE if one.state is None else one.state.value.lower()


def word_of(one: jobs.OccurrenceInfo) -> str:
    if one.outcome in LOOKS:
        return str(one.outcome.label)
    return "Submitted, job removed" if one.state is None else str(one.state.label)


def _took(one: jobs.OccurrenceInfo) -> timedelta | None:
    if one.started_at is None or one.finished_at is None:
        return None
    return one.finished_at - one.started_at
