"""What the page of one job shows, worked out from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from celery_uncovered.jobs.pausing import PausedQueueInfo, paused_queues
from celery_uncovered.jobs.registry import ResultPanel, panel_for
from celery_uncovered.jobs.states import AttemptOutcome, State
from celery_uncovered.jobs.status import AttemptInfo, JobStatus, children_of, job_attempts
from celery_uncovered.jobs.web.access import Viewer, may_cancel, may_discard, may_retry
from celery_uncovered.jobs.web.document import fingerprint, status_document

#: Before that, and with less done, a rate says nothing.
_MEANINGFUL_AFTER = timedelta(seconds=2)
_MEANINGFUL_SHARE = 0.1
#: In a queue for longer than that, a job may wait for a worker that nobody started.
_LONG = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """An attempt and its bar: waiting from ``wait_x``, running from ``run_x``, in percent."""

    attempt: AttemptInfo
    outcome: AttemptOutcome
    waited: timedelta
    ran: timedelta
    is_running: bool
    wait_x: str
    wait_width: str
    run_x: str
    run_width: str


@dataclass(frozen=True, kw_only=True)
class JobView:
    """One job for one viewer; ``version`` changes whenever something on its card does."""

    status: JobStatus
    viewer: Viewer
    attempts: tuple[AttemptRow, ...]
    children: tuple[JobStatus, ...]
    panel: ResultPanel | None
    panel_context: dict[str, Any]
    may_cancel: bool
    may_retry: bool
    may_discard: bool
    #: Says that its queue is paused, while it waits in it.
    paused: PausedQueueInfo | None
    version: str

    @property
    def title(self) -> str:
        return str(self.panel_context.get("title") or readable_name(self.status.task))

    @property
    def waiting_since(self) -> datetime:
        return self.status.queued_at or self.status.created_at

    @property
    def took(self) -> timedelta | None:
        """From submission to the end; None for a job that has not ended."""
        ended = self.status.finished_at
        return ended - self.status.created_at if ended else None

    @property
    def waits_long(self) -> bool:
        return self.paused is None and waits_long(self.status)

    @property
    def expected_end(self) -> datetime | None:
        return expected_end(self.status)


def job_view(status: JobStatus, viewer: Viewer) -> JobView:
    attempts = job_attempts(status.task_id)
    children = [child for child in children_of(status.task_id) if child.task_id != status.task_id]
    panel = panel_for(status.task)
    cancellable = may_cancel(viewer, status)
    paused = paused_queues().get(status.queue) if status.state == State.QUEUED else None
    return JobView(
        status=status,
        viewer=viewer,
        attempts=tuple(attempt_rows(status, attempts)),
        children=tuple(children),
        panel=panel,
        panel_context=panel.context(status) if panel else {},
        may_cancel=cancellable,
        may_retry=may_retry(viewer, status),
        may_discard=may_discard(viewer, status),
        paused=paused,
        version=fingerprint(
            status_document(status),
            [[attempt.number, attempt.outcome] for attempt in attempts],
            [[child.task_id, child.state, child.attempt] for child in children],
            [viewer.sees_all, cancellable, status.cancel_requested, status.attempt],
            [viewer.operates, status.is_dead_letter],
            waits_long(status),
            paused and [paused.since.isoformat(), paused.by, paused.reason],
        ),
    )


def readable_name(task: str) -> str:
    """``app.tasks.build_report_task`` as "Build report"."""
    words = task.rpartition(".")[2].removesuffix("_task").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def expected_end(status: JobStatus) -> datetime | None:
    """When the job ends if it goes on as it did; None while that would be a guess."""
    done, total, started = status.progress.done, status.progress.total, status.started_at
    if status.state != State.STARTED or not done or not total or started is None:
        return None
    ran = timezone.now() - started
    share = min(done / total, 1)
    if ran < _MEANINGFUL_AFTER or share < _MEANINGFUL_SHARE:
        return None
    return started + ran / share


def waits_long(status: JobStatus) -> bool:
    since = status.queued_at
    return status.state == State.QUEUED and since is not None and timezone.now() - since > _LONG


def attempt_rows(status: JobStatus, attempts: Sequence[AttemptInfo]) -> list[AttemptRow]:
    """The attempts with the time that each waited before it ran, and both as parts of the whole."""
    if not attempts:
        return []
    waits = _waits_from(status, attempts)
    now = timezone.now()
    whole = (attempts[-1].ended_at or now) - waits[0]
    rows = []
    for since, attempt in zip(waits, attempts, strict=True):
        end = attempt.ended_at or now
        rows.append(
            AttemptRow(
                attempt=attempt,
                outcome=AttemptOutcome(attempt.outcome),
                waited=attempt.started_at - since,
                ran=end - attempt.started_at,
                is_running=attempt.ended_at is None,
                wait_x=_percent(since - waits[0], whole),
                wait_width=_percent(attempt.started_at - since, whole),
                run_x=_percent(attempt.started_at - waits[0], whole),
                run_width=_percent(end - attempt.started_at, whole, least=1),
            )
        )
    return rows


def _waits_from(status: JobStatus, attempts: Sequence[AttemptInfo]) -> list[datetime]:
    """For each attempt the moment since which it could have run."""
    first = status.created_at
    if status.due_at is not None and first < status.due_at <= attempts[0].started_at:
        first = status.due_at
    ends = [attempt.ended_at or attempt.started_at for attempt in attempts[:-1]]
    return [
        min(since, attempt.started_at)
        for since, attempt in zip([first, *ends], attempts, strict=True)
    ]


def _percent(part: timedelta, whole: timedelta, *, least: float = 0) -> str:
    share = 100 * part / whole if whole else 100
    return f"{max(share, least):.2f}%"
