"""One run's history as a story: the recorded rows, reduced to what happened, in its order.

Lists, the timeline and the full history of a page are all made from these entries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from django.db.models.functions import Substr

from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.looking.runs import OpenWait, RunInfo, name_of, open_waits
from celery_uncovered.workflows.looking.shown import MOST, shown_error, shown_text, shown_value
from celery_uncovered.workflows.models import Step
from celery_uncovered.workflows.states import RunState

#: Records of one page.
PAGE = 200
STEP, VALUE, OUTCOME = "step", "value", "outcome"
RESULT = "result of a run"
#: So many equal ones in a row are one line of the compact list.
FOLDED_FROM = 3


class Look(StrEnum):
    """How an entry went: what a page's colours and icons follow."""

    DONE = "done"
    FAILED = "failed"
    #: A wait is over, with what it waited for, or because its time was up.
    CAME, TIMED_OUT = "came", "timed out"
    STARTED = "started"
    #: Recorded so that a replay sees the same, and of no further interest.
    NOTED = "noted"
    #: Not over yet.
    WAITING = "waiting"


class Recorded(NamedTuple):
    """A row of the history; ``value`` is cut after MOST characters and one."""

    number: int
    branch: str
    label: str
    kind: str
    is_error: bool
    value: str
    attempts: int
    ended_at: datetime
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened, or that the run waits for now: that has no ``number`` and no end.

    ``began_at`` is when its first attempt could begin, ``acted_at`` when the last one did, None for
    waits. ``run_id`` is the run that it started or waited for. ``is_copied``: by a fork, from the run that
    it was forked from. ``is_left_behind``: the run has begun anew since.
    """

    number: int | None
    branch: str
    name: str
    occurrence: int
    kind: str
    look: Look
    attempts: int
    began_at: datetime
    ended_at: datetime | None
    acted_at: datetime | None = None
    value: str = ""
    run_id: str = ""
    due_at: datetime | None = None
    is_copied: bool = False
    is_left_behind: bool = False

    @property
    def took(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.began_at

    @property
    def is_wait(self) -> bool:
        return self.acted_at is None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the compact list: an entry, or so many equal ones in a row, the first of them."""

    entry: Entry
    count: int
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Story:
    """A page of a history, oldest first. ``older`` is what the page before it ends below."""

    entries: tuple[Entry, ...]
    older: int | None = None

    @property
    def acts(self) -> tuple[Entry, ...]:
        """Without what is only noted."""
        return tuple(entry for entry in self.entries if entry.look is not Look.NOTED)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for _, same in groupby(self.acts, _likeness) for line in _lines(same))


def run_story(run: RunInfo, *, before: int | None = None, limit: int = PAGE) -> Story:
    """The newest ``limit`` records, or those before the number ``before``."""
    steps = Step.objects.filter(run_id=run.id)
    if before is not None:
        steps = steps.filter(number__lt=before)
    columns = ("number", "branch", "label", "kind", "is_error", "start")
    rows = steps.annotate(start=Substr("value", 1, MOST + 1)).order_by("-number")
    found = rows.values_list(*columns, "attempts", "ended_at", "seconds")[: limit + 1]
    records = [Recorded(*row) for row in found]
    page = records[:limit][::-1]
    # The one before the page tells when its first wait began.
    earlier = records[limit] if len(records) > limit else None
    waits = open_waits(run.id) if before is None else []
    began = earlier.ended_at if earlier else None
    entries = reduce_history(run, page, waits, began_at=began)
    return Story(entries=entries, older=page[0].number if earlier else None)


def reduce_history(
    run: RunInfo,
    records: Sequence[Recorded],
    waits: Iterable[OpenWait] = (),
    *,
    began_at: datetime | None = None,
) -> tuple[Entry, ...]:
    """What ``records``, in their order, and open waits tell; nothing else is looked at.

    ``began_at`` is when the first of them could begin.
    """
    if began_at is None:
        first = [records[0].ended_at - timedelta(seconds=records[0].seconds)] if records else []
        began_at = min([run.started_at or run.created_at, *first])
    reducer = _Reducer(run=run, began_at=began_at)
    for record in records:
        reducer.take(record)
    return (*reducer.entries, *map(_waiting, waits))


@dataclass(kw_only=True)
class _Reducer:
    """``_ends`` tells for each branch when it recorded last: there its next wait begins."""

    run: RunInfo
    began_at: datetime
    entries: list[Entry] = field(default_factory=list)
    _ends: dict[str, datetime] = field(default_factory=dict)

    def take(self, record: Recorded) -> None:
        if record.kind == OUTCOME and self._conclude(record):
            self._ends[record.branch] = record.ended_at
            return
        self.entries.append(self._entry(record))
        self._ends[record.branch] = record.ended_at

    def _entry(self, record: Recorded) -> Entry:
        look, acted_at = _look(record), None
        if not _is_wait(record):
            acted_at = record.ended_at - timedelta(seconds=record.seconds)
        name, _, occurrence = record.label.rpartition("#")
        return Entry(
            number=record.number,
            branch=record.branch,
            name=_title(record, name or record.label),
            occurrence=int(occurrence) if occurrence.isdigit() else 1,
            kind=record.kind,
            look=look,
            attempts=record.attempts,
            began_at=self._began(record, acted_at),
            ended_at=record.ended_at,
            acted_at=acted_at,
            value=_value(record),
            run_id=_started_run(record) if look is Look.STARTED else "",
            is_copied=self._is_copied(record),
            is_left_behind=record.number < self.run.history_from,
        )

    def _began(self, record: Recorded, acted_at: datetime | None) -> datetime:
        """A wait begins, and a step that was retried began, where its branch had recorded last."""
        if acted_at is not None and record.attempts == 1:
            return acted_at
        return min(self._end_before(record.branch), acted_at or record.ended_at)

    def _end_before(self, branch: str) -> datetime:
        """When the branch, or the one that it came from, recorded last."""
        while branch and branch not in self._ends:
            branch = _parent(branch)
        return self._ends.get(branch, self.began_at)

    def _is_copied(self, record: Recorded) -> bool:
        return self.run.forked_from is not None and record.ended_at < self.run.created_at

    def _conclude(self, record: Recorded) -> bool:
        """The outcome of a run belongs to the wait for it, right before in its branch."""
        for index in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[index]
            if entry.branch == record.branch:
                if entry.kind != waiting.CHILD or entry.look is Look.STARTED:
                    return False
                look = Look.CAME if _outcome(record.value) == RunState.SUCCESS else Look.FAILED
                self.entries[index] = replace(entry, look=look, value=_value(record))
                return True
        return False


def _is_wait(record: Recorded) -> bool:
    return record.kind in {waiting.TIME, waiting.EVENT} or (
        record.kind == waiting.CHILD and record.value == waiting.NOTHING
    )


def _look(record: Recorded) -> Look:
    if record.is_error:
        return Look.FAILED
    if record.kind == STEP:
        return Look.DONE
    if record.kind == waiting.EVENT:
        return Look.TIMED_OUT if record.value == waiting.NOTHING else Look.CAME
    if record.kind == waiting.CHILD:
        return Look.CAME if _is_wait(record) else Look.STARTED
    return Look.CAME if record.kind == waiting.TIME else Look.NOTED


def _title(record: Recorded, name: str) -> str:
    return RESULT if record.kind == waiting.CHILD and _is_wait(record) else name


def _value(record: Recorded) -> str:
    if record.is_error:
        return shown_error(record.value)
    if record.value == waiting.NOTHING:
        return ""
    if record.kind == waiting.EVENT and len(record.value) <= MOST:
        return shown_text(record.value[1:-1])
    return shown_text(record.value, name=name_of(record.label) if record.kind == VALUE else "")


def _started_run(record: Recorded) -> str:
    value = shown_value(record.value)
    return value if isinstance(value, str) else ""


def _outcome(text: str) -> str:
    """The state in a recorded outcome ``[state, …]``, which may be cut."""
    return text[2:].partition('"')[0]


def _parent(branch: str) -> str:
    """``gather#1.0/gather#1.2/`` came from ``gather#1.0/``."""
    return branch.rstrip("/").rpartition("/")[0] + "/" if "/" in branch.rstrip("/") else ""


def _waiting(wait: OpenWait) -> Entry:
    return Entry(
        number=None,
        branch=wait.branch,
        name=RESULT if wait.kind == waiting.CHILD else wait.name,
        occurrence=1,
        kind=wait.kind,
        look=Look.WAITING,
        attempts=wait.attempts,
        began_at=wait.began_at,
        ended_at=None,
        value=wait.error,
        run_id=wait.key or "" if wait.kind == waiting.CHILD else "",
        due_at=wait.due_at,
    )


def _likeness(entry: Entry) -> tuple[object, ...]:
    """Steps of one name that all succeeded at once are alike; what went another way stands alone."""
    is_plain = entry.look is Look.DONE and entry.attempts == 1
    mark = None if is_plain else (entry.number, entry.kind, entry.branch, entry.name)
    return (entry.branch, entry.name, entry.look, entry.is_copied, entry.is_left_behind, mark)


def _lines(same: Iterable[Entry]) -> list[Line]:
    entries = list(same)
    if len(entries) < FOLDED_FROM:
        return [Line(entry=entry, count=1, ended_at=entry.ended_at) for entry in entries]
    return [Line(entry=entries[0], count=len(entries), ended_at=entries[-1].ended_at)]
