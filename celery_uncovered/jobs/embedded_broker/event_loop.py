"""Delivering from inside Celery's event loop, which must never wait for a queue."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery_uncovered.jobs.embedded_broker.transport import Transport

#: Messages delivered before the loop gets to look after its pool and timers again.
BATCH = 20


class Attendant:
    """Delivers what waits for one connection, whenever the loop finds its wake-up readable.

    Never on the loop's tick: Celery's pool arranges on that tick to write to its children,
    so what is delivered after it would lie there until something else woke the loop.
    """

    def __init__(self, transport: "Transport", loop: Any) -> None:
        self._transport = transport
        self._loop = loop
        self._pid = os.getpid()
        self._descriptors = transport.wakeup.descriptors
        for descriptor in self._descriptors:
            loop.add_reader(descriptor, self._on_woken)
        self._timer = loop.call_later(transport.wakeup.interval, self._look_anyway)

    def leave(self) -> None:
        """Stop; does nothing in a forked child, whose poller is its parent's too."""
        if self._pid != os.getpid():
            return
        self._timer.cancel()
        for descriptor in self._descriptors:
            with suppress(OSError, KeyError):
                self._loop.remove_reader(descriptor)

    def _on_woken(self) -> None:
        self._transport.wakeup.clear()
        self._deliver()

    def _look_anyway(self) -> None:
        self._timer = self._loop.call_later(self._transport.wakeup.interval, self._look_anyway)
        self._deliver()

    def _deliver(self) -> None:
        for _ in range(BATCH):
            if not self._transport.deliver_one():
                return
        self._transport.look_again()
