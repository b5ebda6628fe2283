"""Progress of a running job, and the places where it may be stopped."""

from celery_uncovered.jobs.current import RunningAttempt, running_attempt
from celery_uncovered.jobs.errors import (
    AttemptFencedError,
    JobCancelledError,
    NoCurrentJobError,
)
from celery_uncovered.jobs.masking import mask_text
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

NOTE_LENGTH = 255


def report_progress(
    done: int | None = None, total: int | None = None, note: str | None = None
) -> None:
    """Say how far the running job is; what is None stays as it was.

    Also a check: raises JobCancelledError when the job was cancelled, AttemptFencedError when
    another attempt has taken its place, NoCurrentJobError outside a job.
    """
    attempt = _current("report_progress()")
    changes = _changes(done, total, note)
    held = Job.objects.filter(
        id=attempt.task_id,
        attempt=attempt.number,
        state=State.STARTED,
        lease_node__isnull=False,
        cancel_requested=False,
    )
    if not (held.update(**changes) if changes else held.exists()):
        _refuse(attempt)


def report_progress_of(
    task_id: str, done: int | None = None, total: int | None = None, note: str | None = None
) -> bool:
    """Say how far another job is, such as the one this job is a part of; False if it has ended.

    ``done`` never goes back: of two parts that report at once, the further one counts.
    """
    live = Job.objects.filter(id=task_id, state=State.STARTED)
    if done is not None:
        live = live.exclude(progress_done__gt=done)
    return bool(live.update(**_changes(done, total, note)))


def check_cancelled() -> None:
    """Raise JobCancelledError if the running job was cancelled."""
    report_progress()


def _current(what: str) -> RunningAttempt:
    attempt = running_attempt()
    if attempt is None:
        raise NoCurrentJobError(what)
    return attempt


def _changes(done: int | None, total: int | None, note: str | None) -> dict[str, int | str]:
    given = {
        "progress_done": done,
        "progress_total": total,
        "progress_note": None if note is None else mask_text(note)[:NOTE_LENGTH],
    }
    return {name: value for name, value in given.items() if value is not None}


def _refuse(attempt: RunningAttempt) -> None:
    if Job.objects.filter(id=attempt.task_id, cancel_requested=True).exists():
        raise JobCancelledError(attempt.task_id)
    raise AttemptFencedError(attempt.task_id, attempt.number)
