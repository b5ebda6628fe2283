"""A batch in Celery's own list of what runs.

A soft shutdown waits for what is on that list, and then cancels it; ``inspect active`` shows it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from celery.worker import state

from celery_uncovered.jobs.worker.board import Notice
from celery_uncovered.jobs.worker.held import Held


class ActiveBatch:
    """Has of Celery's ``Request`` what is asked of those that are active; tells of the job that runs.

    ``read`` gives the notice of its child, ``stop`` ends the job that runs.
    """

    stamps = None
    acknowledged = False

    def __init__(
        self, held: Sequence[Held], read: Callable[[], Notice], stop: Callable[[], None]
    ) -> None:
        self._held, self._read, self._stop = held, read, stop
        state.active_requests.add(self)

    def leave(self) -> None:
        """It has ended."""
        state.active_requests.discard(self)
        state.reserved_requests.discard(self)

    @property
    def id(self) -> str:
        return self._running().id_and_attempt[0]

    @property
    def task(self) -> Any:
        return self._running().task

    def cancel(self, pool: Any, signal: Any = None, *, emit_retry: bool = True) -> None:  # noqa: ARG002  # Celery's call
        self._stop()

    def info(self, *, safe: bool = False) -> dict[str, Any]:  # noqa: ARG002  # Celery's call
        running, notice = self._running(), self._read()
        headers, delivery = running.message.headers, running.message.delivery_info or {}
        return {
            "id": self.id,
            "name": running.task.name,
            "args": headers.get("argsrepr"),
            "kwargs": headers.get("kwargsrepr"),
            "type": running.task.name,
            "hostname": None,
            "time_start": time.time() - (time.monotonic() - notice.begun_at),
            "acknowledged": self.acknowledged,
            "delivery_info": {
                "exchange": delivery.get("exchange"),
                "routing_key": delivery.get("routing_key"),
                "priority": running.message.properties.get("priority"),
                "redelivered": delivery.get("redelivered"),
            },
            "worker_pid": notice.pid,
        }

    def _running(self) -> Held:
        """The one that runs, or ran last; before that the first."""
        return self._held[self._read().begun or 0]
