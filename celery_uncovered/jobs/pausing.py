"""Pausing queues: jobs of a paused queue wait in the ledger; what a worker has begun finishes.

The row is all there is to it, so a pause outlives every process. Whoever submits need not know: a
message that reaches a worker claims nothing, and its job waits for the dispatcher, which sends it when
the queue is resumed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from celery import current_app
from django.utils import timezone

from celery_uncovered.jobs.errors import QueueNameError, UnknownQueueError
from celery_uncovered.jobs.models import PausedQueue

#: The most characters of a queue's name, and of who paused it and why.
LONGEST_NAME, LONGEST_WORDS = 100, 255


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
    _, is_new = PausedQueue.objects.get_or_create(queue=queue, defaults=said)
    return is_new


def resume_queue(queue: str) -> bool:
    """Let jobs of ``queue`` begin again; False where it was not paused."""
    deleted, _ = PausedQueue.objects.filter(queue=queue).delete()
    return deleted > 0


def paused_queues() -> dict[str, PausedQueueInfo]:
    """The queues that are paused, by name."""
    return {
        row.queue: PausedQueueInfo(queue=row.queue, since=row.since, by=row.by, reason=row.reason)
        for row in PausedQueue.objects.order_by("queue")
    }


def names_of_paused() -> list[str]:
    return list(PausedQueue.objects.values_list("queue", flat=True))
