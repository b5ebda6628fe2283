"""``published_at``: the note on a job's row that the broker has its message.

Without it the dispatcher sends the message again. So notes may come late, together, and only for
jobs that still wait: a job that was claimed meanwhile needs none.
"""

import time
from collections import defaultdict
from collections.abc import Iterable

from django.utils import timezone

from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

#: How long a note may wait for others (seconds); well below the dispatcher's grace for publishers.
LINGER_SECONDS = 0.5
#: Notes written by one statement.
BATCH = 1000


def note_published(taken: Iterable[Delivery]) -> None:
    """Note it on the rows that still wait for just these messages, a statement for each BATCH."""
    ids_by_attempt: dict[int, list[str]] = defaultdict(list)
    for delivery in taken:
        ids_by_attempt[delivery.attempt].append(delivery.message.task_id)
    with no_fork():
        for attempt, ids in ids_by_attempt.items():
            for start in range(0, len(ids), BATCH):
                # Guarded by the attempt: a job that has moved on has another message to send.
                Job.objects.filter(
                    id__in=ids[start : start + BATCH], attempt=attempt - 1, state=State.QUEUED
                ).update(published_at=timezone.now())


class Notes:
    """Notes that wait to be written together; for one thread."""

    def __init__(self) -> None:
        self._taken: list[Delivery] = []
        self._due_at = 0.0

    def __len__(self) -> int:
        return len(self._taken)

    def add(self, taken: list[Delivery]) -> None:
        if taken and not self._taken:
            self._due_at = time.monotonic() + LINGER_SECONDS
        self._taken += taken

    def seconds_left(self) -> float | None:
        """Until they should be written; None where there are none."""
        if not self._taken:
            return None
        return max(0.0, self._due_at - time.monotonic())

    def write(self) -> None:
        """Write and forget them; what the database refuses is sent again by the dispatcher."""
        taken, self._taken = self._taken, []
        note_published(taken)
