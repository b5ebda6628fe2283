"""Who may see a job: the readers of its row, and operators. A part is read with its root."""

from typing import Any

from celery_uncovered.jobs.models import Job, Reader


def add_reader(task_id: str, *, user_id: int | None = None, session: str = "") -> None:
    """Let a user, or a browser session by its reader token, see the job; again changes nothing."""
    known = Reader.objects.filter(job_id=task_id, session=session)
    mine = known.filter(user__isnull=True) if user_id is None else known.filter(user_id=user_id)
    if not mine.exists():
        Reader.objects.bulk_create(
            [Reader(job_id=task_id, user_id=user_id, session=session)], ignore_conflicts=True
        )


def is_reader(task_id: str, *, user_id: Any = None, session: str = "") -> bool:
    """Whether that user or that session was added to the job, or to the job that started it."""
    roots = Job.objects.filter(id=task_id).values("root_id")
    readers = Reader.objects.filter(job_id=task_id) | Reader.objects.filter(job_id__in=roots)
    if user_id is not None and readers.filter(user_id=user_id).exists():
        return True
    return bool(session) and readers.filter(user__isnull=True, session=session).exists()


def jobs_read_by(*, user_id: Any = None, session: str = "") -> Any:
    """The ids of the jobs that were asked for by that user or that session, as a queryset."""
    if user_id is not None:
        return Reader.objects.filter(user_id=user_id).values("job_id")
    return Reader.objects.filter(user__isnull=True, session=session or "-").values("job_id")
