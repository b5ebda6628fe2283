"""Runs as lists and pages show them; lists are read page by page along an index, never counted."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.definitions import known_workflows
from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.errors import RunNotFoundError
from celery_uncovered.workflows.looking.shown import shown_value
from celery_uncovered.workflows.models import Run, Step, Wait
from celery_uncovered.workflows.states import FINAL, RunState
from celery_uncovered.workflows.values import decode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What lists do not read: each may be megabytes.
_HEAVY = ("args", "result", "traceback")
#: Waits of a run, or of a page of runs, that are read at most.
MOST_WAITS = 200
#: Children that a run's page lists at most, and records that are read for its values.
MOST_CHILDREN, MOST_VALUES = 50, 500


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs a list shows; ``text`` is part of a run's key, or its id begun."""

    since: datetime | None = None
    state: str = ""
    workflow: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """One run. ``error`` is masked; ``forks`` and such are looked up by their own functions."""

    id: str
    workflow: str
    key: str | None
    queue: str
    state: RunState
    since: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    parent_id: str | None
    forked_from: str | None
    history_from: int
    epoch: int
    crashes: int
    cancel_requested: bool
    lease_job: str | None
    error: str
    error_type: str

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def took(self) -> timedelta | None:
        """From its start to its end; None while it lives."""
        return self.finished_at - self.created_at if self.finished_at else None


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """Newest first; ``older`` is the cursor of the next page, empty on the last one."""

    runs: tuple[RunInfo, ...]
    older: str


@dataclass(frozen=True, kw_only=True)
class OpenWait:
    """What a branch of a run waits for now. ``run`` is the one it waits for, if it does and it exists."""

    branch: str
    name: str
    kind: str
    key: str | None
    attempts: int
    error: str
    began_at: datetime
    due_at: datetime | None
    run: RunInfo | None = None


@dataclass(frozen=True, kw_only=True)
class RunPayload:
    """What a run was given and returned, masked; ``patches`` are the changes of code that it takes."""

    args: list[Any]
    kwargs: dict[str, Any]
    result: Any
    has_result: bool
    traceback: str
    patches: tuple[str, ...]


def workflow_names() -> list[str]:
    """Those that the code has, in their order."""
    return sorted(known_workflows())


def list_runs(wanted: RunFilter, *, after: str = "", limit: int = 50) -> RunPage:
    """A cursor that is none starts at the newest."""
    rows = _matching(wanted)
    cursor = _parse_cursor(after)
    if cursor is not None:
        created, run_id = cursor
        rows = rows.filter(created_at__lte=created).exclude(created_at=created, id__lte=run_id)
    found = _infos(rows.order_by("-created_at", "id")[: limit + 1])
    shown = tuple(found[:limit])
    return RunPage(runs=shown, older=_cursor(shown[-1]) if len(found) > limit else "")


def run_info(run_id: str) -> RunInfo:
    """Raises RunNotFoundError."""
    for info in _infos(Run.objects.filter(id=run_id)):
        return info
    raise RunNotFoundError(run_id)


def children_of(run_id: str) -> list[RunInfo]:
    """The runs that it started, newest first, MOST_CHILDREN at most."""
    return _infos(Run.objects.filter(parent_id=run_id).order_by("-created_at")[:MOST_CHILDREN])


def run_payload(run_id: str) -> RunPayload:
    """Raises RunNotFoundError."""
    run = Run.objects.filter(id=run_id).first()
    if run is None:
        raise RunNotFoundError(run_id)
    args, kwargs = decode(run.args)
    patches = Step.objects.filter(run_id=run_id, number__gte=run.history_from, kind="patch")
    labels = patches.order_by("number").values_list("label", flat=True)[:MOST_VALUES]
    return RunPayload(
        args=jobs.mask_value(args),
        kwargs=jobs.mask_value(kwargs),
        result=shown_value(run.result) if run.result else None,
        has_result=run.result is not None and run.state == RunState.SUCCESS,
        traceback=jobs.mask_text(run.traceback),
        patches=tuple(dict.fromkeys(name_of(label) for label in labels)),
    )


def shown_values(run_id: str) -> dict[str, Any]:
    """What the run showed last with ``set_value``, by name, masked."""
    rows = Step.objects.filter(run_id=run_id, kind="value").order_by("-number")
    latest: dict[str, Any] = {}
    for label, text in rows.values_list("label", "value")[:MOST_VALUES]:
        name = name_of(label)
        if name not in latest:
            latest[name] = shown_value(text, name=name)
    return dict(sorted(latest.items()))


def open_waits(run_id: str) -> list[OpenWait]:
    """What a run waits for now, the longest first, MOST_WAITS at most."""
    return waits_of([run_id]).get(run_id, [])


def waits_of(run_ids: Collection[str]) -> dict[str, list[OpenWait]]:
    """The same for those of many runs that wait."""
    waits = Wait.objects.filter(run_id__in=run_ids, run__state=RunState.WAITING, fired=False)
    rows = list(waits.order_by("created_at", "id")[:MOST_WAITS])
    children = _runs_by_id(row.key for row in rows if row.kind == waiting.CHILD)
    found: dict[str, list[OpenWait]] = {}
    for row in rows:
        wait = OpenWait(
            branch=row.branch,
            name=name_of(row.label),
            kind=row.kind,
            key=row.key,
            attempts=row.attempts,
            error=jobs.mask_text(row.error),
            began_at=row.created_at,
            due_at=row.due_at,
            run=children.get(row.key or ""),
        )
        found.setdefault(row.run_id, []).append(wait)
    return found


def others_waiting_for(keys: Collection[str], run_id: str) -> bool:
    """Whether another run waits for an event with one of these keys too."""
    waits = Wait.objects.filter(key__in=keys, kind=waiting.EVENT, fired=False)
    return bool(waits.exclude(run_id=run_id).exists())


def name_of(label: str) -> str:
    """A label without its occurrence."""
    return label.rpartition("#")[0] or label


def _runs_by_id(ids: Iterable[str | None]) -> dict[str, RunInfo]:
    wanted = {run_id for run_id in ids if run_id}
    return {run.id: run for run in _infos(Run.objects.filter(id__in=wanted))} if wanted else {}


def _matching(wanted: RunFilter) -> QuerySet[Run]:
    rows = Run.objects.all()
    if wanted.since is not None:
        rows = rows.filter(created_at__gte=wanted.since)
    exact = {"state": wanted.state, "workflow": wanted.workflow}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.text:
        rows = rows.filter(Q(key__icontains=wanted.text) | Q(id__startswith=wanted.text))
    return rows


def _infos(rows: QuerySet[Run]) -> list[RunInfo]:
    return [_info(row) for row in rows.defer(*_HEAVY)]


def _info(row: Run) -> RunInfo:
    return RunInfo(
        id=row.id,
        workflow=row.workflow,
        key=row.key,
        queue=row.queue,
        state=RunState(row.state),
        since=row.since,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        parent_id=row.parent_id,
        forked_from=row.forked_from,
        history_from=row.history_from,
        epoch=row.epoch,
        crashes=row.crashes,
        cancel_requested=row.cancel_requested,
        lease_job=row.lease_job,
        error=jobs.mask_text(row.error),
        error_type=row.error_type,
    )


def _cursor(run: RunInfo) -> str:
    """Microseconds since 1970 and the id: exact, and safe in an address."""
    return f"{(run.created_at - _EPOCH) // timedelta(microseconds=1)}~{run.id}"


def _parse_cursor(text: str) -> tuple[datetime, str] | None:
    stamp, _, run_id = text.partition("~")
    try:
        return _EPOCH + timedelta(microseconds=int(stamp)), run_id
    except (ValueError, OverflowError):
        return None
