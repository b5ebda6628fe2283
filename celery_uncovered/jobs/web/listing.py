"""Lists of jobs: bounded in time, read page by page along the index, never counted."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from celery_uncovered.jobs.models import Artifact, Job
from celery_uncovered.jobs.status import ArtifactInfo, JobStatus, summaries
from celery_uncovered.jobs.web.access import Viewer, visible_jobs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs a list shows; ``text`` is part of a task's name or key, or a job's id begun."""

    within: timedelta = timedelta(days=1)
    state: str = ""
    task: str = ""
    queue: str = ""
    text: str = ""
    parts: bool = False


@dataclass(frozen=True, kw_only=True)
class JobPage:
    """Newest first; ``older`` is the cursor of the next page, empty on the last one."""

    jobs: tuple[JobStatus, ...]
    older: str


def list_jobs(viewer: Viewer, wanted: JobFilter, *, after: str = "", limit: int = 50) -> JobPage:
    """The jobs that ``viewer`` may see; a cursor that is none starts at the newest."""
    rows = _matching(visible_jobs(viewer), wanted)
    cursor = _parse_cursor(after)
    if cursor is not None:
        created, task_id = cursor
        rows = rows.filter(created_at__lte=created).exclude(created_at=created, id__lte=task_id)
    found = summaries(rows.order_by("-created_at", "id")[: limit + 1])
    shown = found[:limit]
    return JobPage(jobs=tuple(shown), older=_cursor(shown[-1]) if len(found) > limit else "")


def readable_statuses(viewer: Viewer, task_ids: Collection[str]) -> dict[str, JobStatus]:
    """Those of the jobs that ``viewer`` may see, by id, with their files."""
    artifacts = _artifacts_of(task_ids)
    jobs = summaries(visible_jobs(viewer).filter(id__in=task_ids))
    return {job.task_id: replace(job, artifacts=artifacts.get(job.task_id, ())) for job in jobs}


def queue_names() -> list[str]:
    return [queue.name for queue in settings.CELERY_TASK_QUEUES]  # type: ignore[misc]  # computed


def _matching(jobs: QuerySet[Job], wanted: JobFilter) -> QuerySet[Job]:
    rows = jobs.filter(created_at__gte=timezone.now() - wanted.within)
    exact = {"state": wanted.state, "task": wanted.task, "queue": wanted.queue}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.text:
        text = wanted.text
        rows = rows.filter(
            Q(task__icontains=text) | Q(unique_key__icontains=text) | Q(id__startswith=text)
        )
    return rows if wanted.parts else rows.filter(root_id=F("id"))


def _cursor(job: JobStatus) -> str:
    """Microseconds since 1970 and the id: exact, and safe in an address."""
    return f"{(job.created_at - _EPOCH) // timedelta(microseconds=1)}~{job.task_id}"


def _parse_cursor(text: str) -> tuple[datetime, str] | None:
    stamp, _, task_id = text.partition("~")
    try:
        return _EPOCH + timedelta(microseconds=int(stamp)), task_id
    except (ValueError, OverflowError):
        return None


def _artifacts_of(task_ids: Collection[str]) -> dict[str, tuple[ArtifactInfo, ...]]:
    kept = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    rows = Artifact.objects.filter(kept, job_id__in=task_ids).order_by("job_id", "name")
    return {
        job_id: tuple(_info(row) for row in group)
        for job_id, group in groupby(rows, key=lambda row: row.job_id)
    }


def _info(row: Artifact) -> ArtifactInfo:
    return ArtifactInfo(
        id=row.pk,
        name=row.name,
        size=row.size,
        content_type=row.content_type,
        created=row.created_at,
        expires=row.expires_at,
    )
