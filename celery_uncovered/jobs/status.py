"""What a job looks like from outside, in values that do not change."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone

from celery_uncovered.jobs import sealing
from celery_uncovered.jobs.errors import JobNotFoundError
from celery_uncovered.jobs.messages import arguments
from celery_uncovered.jobs.models import Artifact, Attempt, Job
from celery_uncovered.jobs.node import host_of
from celery_uncovered.jobs.scope import shown
from celery_uncovered.jobs.states import FINAL, AttemptOutcome, State

#: Positions beyond this are shown as "more than".
POSITION_BOUND = 1000
#: What lists do not read: each of these may be megabytes.
_HEAVY = ("body", "message", "result", "traceback")
#: The characters of a body that lists read of it.
_BODY_START = 500


@dataclass(frozen=True, kw_only=True)
class Progress:
    done: int | None
    total: int | None
    note: str


@dataclass(frozen=True, kw_only=True)
class ArtifactInfo:
    """A file of a job; ``id`` is its row, ``size`` is in bytes."""

    id: int
    name: str
    size: int
    content_type: str
    created: datetime
    expires: datetime | None


@dataclass(frozen=True, kw_only=True)
class AttemptInfo:
    number: int
    task: str
    outcome: str
    started_at: datetime
    ended_at: datetime | None
    host: str
    pid: int
    error: str
    traceback: str


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """One job. ``result`` is the task's value for SUCCESS, else None; ``error`` is one sentence.

    All of it is for people to read: secrets in it are masked. ``AsyncResult`` has the true result.

    ``queue_position`` counts from 1 for QUEUED jobs, up to POSITION_BOUND; else it is None.

    ``scope`` is what people may see of it. In lists, it is left out, and so are ``result``,
    ``traceback``, ``artifacts``, and arguments that are long: ``args`` and ``kwargs`` are empty then,
    and ``arguments_start`` is where their JSON begins.
    """

    task_id: str
    task: str
    queue: str
    state: State
    attempt: int
    progress: Progress
    queue_position: int | None
    result: Any
    error: str
    error_type: str
    traceback: str
    args: list[Any]
    kwargs: dict[str, Any]
    unique_key: str | None
    root_id: str
    parent_id: str | None
    created_at: datetime
    due_at: datetime | None
    expires_at: datetime | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    discarded_at: datetime | None = None
    artifacts: tuple[ArtifactInfo, ...] = ()
    arguments_start: str = ""
    scope: dict[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_dead_letter(self) -> bool:
        """Failed, and neither retried nor discarded."""
        return self.state == State.FAILURE and self.discarded_at is None

    def artifact(self, name: str) -> ArtifactInfo | None:
        return next((found for found in self.artifacts if found.name == name), None)


def job_status(task_id: str) -> JobStatus:
    """The job ``task_id`` now. Raises JobNotFoundError."""
    job = Job.objects.filter(id=task_id).first()
    if job is None:
        raise JobNotFoundError(task_id)
    args, kwargs = arguments(job.body)
    succeeded = job.state == State.SUCCESS
    return _status(
        job,
        args=args,
        kwargs=kwargs,
        result=sealing.shown(job.result) if succeeded and job.result else None,
        traceback=job.traceback,
        queue_position=_position(job) if job.state == State.QUEUED else None,
        artifacts=_artifacts(task_id),
        scope=shown(json.loads(job.message).get("headers") or {}),
    )


def job_states(task_ids: Collection[str]) -> dict[str, State]:
    """The states of those of the jobs that are in the ledger, by id."""
    states = Job.objects.filter(id__in=task_ids).values_list("id", "state")
    return {task_id: State(state) for task_id, state in states}


def job_attempts(task_id: str) -> list[AttemptInfo]:
    """The attempts of a job, first to last; the last one may be running."""
    ended = [
        AttemptInfo(
            number=attempt.number,
            task=attempt.task,
            outcome=attempt.outcome,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            host=attempt.host,
            pid=attempt.pid,
            error=attempt.error,
            traceback=attempt.traceback,
        )
        for attempt in Attempt.objects.filter(job_id=task_id).order_by("number")
    ]
    return ended + _running_attempt(task_id)


def _running_attempt(task_id: str) -> list[AttemptInfo]:
    running = Job.objects.filter(id=task_id, state=State.STARTED, lease_node__isnull=False)
    return [
        AttemptInfo(
            number=number,
            task=task,
            outcome=AttemptOutcome.STARTED,
            started_at=started_at or timezone.now(),
            ended_at=None,
            host=host_of(node or ""),
            pid=pid or 0,
            error="",
            traceback="",
        )
        for number, task, started_at, node, pid in running.values_list(
            "attempt", "task", "started_at", "lease_node", "lease_pid"
        )
    ]


def children_of(task_id: str, limit: int = 100) -> list[JobStatus]:
    """The jobs that ``task_id`` started, oldest first, as ``summaries`` gives them."""
    children = Job.objects.filter(root_id=task_id).exclude(id=task_id)
    return summaries(children.order_by("created_at")[:limit])


def find_artifact(task_id: str, name: str) -> Artifact | None:
    """The row of a job's file, unless it has expired."""
    found: Artifact | None = _unexpired(task_id).filter(name=name).first()
    return found


def summaries(jobs: QuerySet[Job]) -> list[JobStatus]:
    """The statuses of a queryset's rows, for lists: without positions and what may be large."""
    rows = jobs.defer(*_HEAVY).annotate(body_start=Substr("body", 1, _BODY_START))
    return [_status(job, **_short_arguments(job.body_start)) for job in rows]


def _short_arguments(body_start: str) -> dict[str, Any]:
    """The arguments of a body that is whole, or the start of them; callbacks may follow."""
    try:
        args, kwargs = arguments(body_start)
    except json.JSONDecodeError:
        start = body_start.removeprefix("[")
        return {"args": [], "kwargs": {}, "arguments_start": sealing.shown_start(start)}
    return {"args": args, "kwargs": kwargs}


def _status(
    job: Job,
    *,
    args: list[Any],
    kwargs: dict[str, Any],
    arguments_start: str = "",
    result: Any = None,
    traceback: str = "",
    queue_position: int | None = None,
    artifacts: tuple[ArtifactInfo, ...] = (),
    scope: dict[str, Any] | None = None,
) -> JobStatus:
    """The columns of a row that all readers of it ask for, and what only some do."""
    return JobStatus(
        task_id=job.id,
        task=job.task,
        queue=job.queue,
        state=State(job.state),
        attempt=job.attempt,
        progress=Progress(done=job.progress_done, total=job.progress_total, note=job.progress_note),
        queue_position=queue_position,
        result=result,
        error=job.error,
        error_type=job.error_type,
        traceback=traceback,
        args=args,
        kwargs=kwargs,
        arguments_start=arguments_start,
        unique_key=job.unique_key,
        root_id=job.root_id,
        parent_id=job.parent_id,
        created_at=job.created_at,
        due_at=job.due_at,
        expires_at=job.expires_at,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cancel_requested=job.cancel_requested,
        discarded_at=job.discarded_at,
        artifacts=artifacts,
        scope=scope or {},
    )


def _position(job: Job) -> int:
    ahead = Job.objects.filter(
        queue=job.queue, state=State.QUEUED, queued_at__lt=job.queued_at
    ).order_by()
    return len(ahead.values_list("id")[: POSITION_BOUND - 1]) + 1


def _unexpired(task_id: str) -> Any:
    return Artifact.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()), job_id=task_id
    )


def _artifacts(task_id: str) -> tuple[ArtifactInfo, ...]:
    return tuple(
        ArtifactInfo(
            id=artifact.pk,
            name=artifact.name,
            size=artifact.size,
            content_type=artifact.content_type,
            created=artifact.created_at,
            expires=artifact.expires_at,
        )
        for artifact in _unexpired(task_id).order_by("name")
    )
