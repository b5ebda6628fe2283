"""Pausing queues: jobs of a paused queue wait in the ledger; what a worker has begun finishes.

The row is all there is to it, so a pause outlives every process. Whoever submits need not know: a
message that reaches a worker claims nothing, and the dispatcher sends it again when the queue is
resumed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db.models import QuerySet
from django.utils import timezone

from celery_uncovered.jobs.errors import QueueNameError, UnknownQueueError
from celery_uncovered.jobs.models import Job, PausedQueue
from celery_uncovered.jobs.states import State

#: The most characters of a queue's name, and of who paused it and why.
LONGEST_NAME, LONGEST_WORDS = 100, 255
#: After so long it is noted that a message was sent.
LATE = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class PausedQueueInfo:
    """``by`` is who paused it, ``reason`` why; either may be ""."""

    queue: str
    since: datetime
    by: str
    reason: str


def pause_queue(queue: str, *, by: str = "", reason: str = "") -> bool:
    """Let no job of ``queue`` begin until it is resumed; False where it was paused already.

    Raises QueueNameError, or UnknownQueueError where Celery may create none.
    """
    if not 0 < len(queue) <= LONGEST_NAME or queue != queue.strip() or not queue.isprintable():
        raise QueueNameError(queue, LONGEST_NAME)
    known: Any = current_app.amqp.queues
    if queue not in known and not known.create_missing:
        raise UnknownQueueError(queue, list(known))
    said = {"by": by[:LONGEST_WORDS], "reason": reason[:LONGEST_WORDS], "since": timezone.now()}
    row, is_new = PausedQueue.objects.get_or_create(queue=queue, defaults=said)
    if is_new:
        return True
    resumed = PausedQueue.objects.filter(queue=row.queue, resumed_at__isnull=False)
    return resumed.update(resumed_at=None, **said) > 0


def resume_queue(queue: str) -> bool:
    """Let jobs of ``queue`` begin again; False where it was not paused."""
    return _paused().filter(queue=queue).update(resumed_at=timezone.now()) > 0


def paused_queues() -> dict[str, PausedQueueInfo]:
    """The queues that are paused, by name."""
    return {
        row.queue: PausedQueueInfo(queue=row.queue, since=row.since, by=row.by, reason=row.reason)
        for row in _paused().order_by("queue")
    }


def names_of_paused() -> list[str]:
    return list(_paused().values_list("queue", flat=True))


def mark_dropped() -> int:
    """Mark as unsent what a paused queue holds, or held until it was resumed; how many jobs.

    Of its messages those are dropped that reach a worker, and a publisher notes afterwards that it has
    sent them. So none counts that is older than its note may be late, and after the end of the pause one
    more look is taken. A mistake costs a second message, which claims nothing.
    """
    marked = 0
    for row in PausedQueue.objects.all():
        now = timezone.now()
        bound = now - LATE if row.resumed_at is None else row.resumed_at + LATE
        sent = Job.objects.filter(queue=row.queue, state=State.QUEUED, published_at__lt=bound)
        marked += sent.update(published_at=None)
        if row.resumed_at is not None and now > bound:
            PausedQueue.objects.filter(queue=row.queue, resumed_at=row.resumed_at).delete()
    return marked


def _paused() -> QuerySet[PausedQueue]:
    return PausedQueue.objects.filter(resumed_at=None)
