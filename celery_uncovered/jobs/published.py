"""``published_at``: the note on a job's row that the broker has its message.

Without it the dispatcher sends the message again. So notes may come late, together, and only for
jobs that still wait: a job that was claimed meanwhile needs none.
"""

import time
from collections.abc import Sequence

from django.utils import timezone

from celery_uncovered.jobs import statements
from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.messages import Delivery

#: How long a note may wait for others (seconds); well below the dispatcher's grace for publishers.
LINGER_SECONDS = 0.5
#: Notes written by one statement.
BATCH = 1000


def note_published(taken: Sequence[Delivery]) -> None:
    """Note it on the rows that still wait for just these messages, a statement for each BATCH."""
    messages = [(delivery.message.task_id, delivery.attempt) for delivery in taken]
    with no_fork():
        for start in range(0, len(messages), BATCH):
            # Guarded by the attempt: a job that has moved on has another message to send.
            statements.note_published(messages[start : start + BATCH], now=timezone.now())


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
