"""Dead letters: failed jobs that wait until somebody retries or discards them.

They are the rows in FAILURE with ``discarded_at IS NULL``; the index ``job_dead_letter`` holds them
alone, so that neither a count nor a page of them reads what succeeded.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from celery_uncovered.jobs.errors import JobNotFoundError, NoDeadLetterError
from celery_uncovered.jobs.models import DEAD, Job
from celery_uncovered.jobs.replay import retry_batch
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.status import JobStatus, summaries

#: Jobs that one statement or transaction takes.
BATCH = 500
#: Beyond this they are counted as "more than".
COUNT_BOUND = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class DeadLetterFilter:
    """Which dead letters; what is empty or None does not matter.

    ``since`` and ``until`` are aware and bound the moment of the failure. ``error_type`` is the
    name of the exception's class.
    """

    task: str = ""
    queue: str = ""
    error_type: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tended:
    """What came of an act on many: ``left`` fitted the filter and could not be retried."""

    done: int
    left: int = 0


@dataclass(frozen=True, kw_only=True)
class DeadLetterPage:
    """The latest failure first; ``older`` is the cursor of the next page, empty on the last one."""

    jobs: tuple[JobStatus, ...]
    older: str


def discard_job(task_id: str) -> None:
    """Let a failed job rest: it stays FAILURE, is a dead letter no longer, and may be purged.

    Again changes nothing. Raises JobNotFoundError, or NoDeadLetterError for one that has not failed.
    """
    if Job.objects.filter(DEAD, id=task_id).update(discarded_at=timezone.now()):
        return
    state = Job.objects.filter(id=task_id).values_list("state", flat=True).first()
    if state is None:
        raise JobNotFoundError(task_id)
    if state != State.FAILURE:
        raise NoDeadLetterError(task_id, state)


def discard_dead_letters(wanted: DeadLetterFilter, *, limit: int | None = None) -> Tended:
    """Discard all that fit, or the ``limit`` oldest of them."""

    def discard(ids: Collection[str]) -> int:
        return Job.objects.filter(DEAD, id__in=ids).update(discarded_at=timezone.now())

    return _each_batch(wanted, limit, discard)


def retry_dead_letters(wanted: DeadLetterFilter, *, limit: int | None = None) -> Tended:
    """Queue all that fit again, or the ``limit`` oldest of them; each as ``retry_job`` does."""
    return _each_batch(wanted, limit, retry_batch)


def count_dead_letters(wanted: DeadLetterFilter, *, bound: int | None = COUNT_BOUND) -> int:
    """How many fit; no more than ``bound`` are counted."""
    fitting = _matching(wanted).order_by()
    return fitting.count() if bound is None else len(fitting.values_list("id")[:bound])


def list_dead_letters(
    wanted: DeadLetterFilter, *, after: str = "", limit: int = 50
) -> DeadLetterPage:
    """A page of those that fit; a cursor that is none starts at the latest."""
    rows = _matching(wanted)
    cursor = _parse_cursor(after)
    if cursor is not None:
        moment, task_id = cursor
        rows = rows.filter(finished_at__lte=moment).exclude(finished_at=moment, id__lte=task_id)
    found = summaries(rows.order_by("-finished_at", "id")[: limit + 1])
    shown = found[:limit]
    return DeadLetterPage(jobs=tuple(shown), older=_cursor(shown[-1]) if len(found) > limit else "")


def _each_batch(
    wanted: DeadLetterFilter, limit: int | None, act: Callable[[Collection[str]], int]
) -> Tended:
    done = seen = 0
    for ids in _batches(wanted, limit):
        done += act(ids)
        seen += len(ids)
    return Tended(done=done, left=seen - done)


def _batches(wanted: DeadLetterFilter, limit: int | None) -> Iterator[list[str]]:
    """The ids of those that fit now, oldest failure first; what fails again meanwhile is not met."""
    now = timezone.now()
    rows = _matching(wanted).filter(finished_at__lte=now).order_by("finished_at", "-id")
    last: tuple[datetime, str] | None = None
    left = limit
    while left is None or left > 0:
        batch = rows
        if last is not None:
            batch = rows.filter(finished_at__gte=last[0]).exclude(
                finished_at=last[0], id__gte=last[1]
            )
        size = BATCH if left is None else min(BATCH, left)
        found = list(batch.values_list("id", "finished_at")[:size])
        if not found:
            return
        last = (found[-1][1] or now, found[-1][0])
        left = None if left is None else left - len(found)
        yield [task_id for task_id, _ in found]


def _matching(wanted: DeadLetterFilter) -> QuerySet[Job]:
    rows = Job.objects.filter(DEAD)
    exact = {"task": wanted.task, "queue": wanted.queue, "error_type": wanted.error_type}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.since is not None:
        rows = rows.filter(finished_at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(finished_at__lte=wanted.until)
    return rows.filter(id__in=wanted.ids) if wanted.ids else rows


def _cursor(job: JobStatus) -> str:
    """Microseconds since 1970 and the id: exact, and safe in an address."""
    return f"{((job.finished_at or _EPOCH) - _EPOCH) // timedelta(microseconds=1)}~{job.task_id}"


def _parse_cursor(text: str) -> tuple[datetime, str] | None:
    stamp, _, task_id = text.partition("~")
    try:
        return _EPOCH + timedelta(microseconds=int(stamp)), task_id
    except (ValueError, OverflowError):
        return None
