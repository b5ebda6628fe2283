"""kombu's transport: one connection to the broker's folder."""

import math
import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual
from typing_extensions import override

from celery_uncovered.jobs.embedded_broker.channel import Channel
from celery_uncovered.jobs.embedded_broker.event_loop import Attendant
from celery_uncovered.jobs.embedded_broker.exchanges import BindingTable
from celery_uncovered.jobs.embedded_broker.folder import QueueFolder
from celery_uncovered.jobs.embedded_broker.layout import Layout, make_private
from celery_uncovered.jobs.embedded_broker.recovery import recover
from celery_uncovered.jobs.embedded_broker.wakeup import Wakeup

#: Seconds between two looks for messages that ended processes held.
RECOVERY_INTERVAL = 1.5


class FolderNotConfiguredError(ValueError):
    def __init__(self) -> None:
        super().__init__(
            'The embedded broker needs a folder: broker_transport_options = {"folder": "..."}.'
        )


class Transport(virtual.Transport):
    """The embedded broker. Its one transport option is ``folder``, made where it is missing.

    Works in Celery's event loop (``register_with_event_loop``) and in blocking
    ``drain_events``. Failures of the disk (``OSError``) count as connection errors, so that
    workers reconnect and publishers retry by their policy.
    """

    Channel = Channel
    channels: Any
    cycle: Any
    implements = virtual.Transport.implements.extend(
        asynchronous=True,
        exchange_type=frozenset(["direct", "topic", "fanout"]),
    )
    driver_type = "filesystem"
    driver_name = "embedded"
    default_port = 0
    #: How many messages senders should let wait in one queue: each is a file.
    most_ahead = 1000
    connection_errors = (*virtual.Transport.connection_errors, OSError)

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        if not (folder := client.transport_options.get("folder")):
            raise FolderNotConfiguredError
        self.layout = Layout(Path(folder).absolute())
        self.folder = QueueFolder(self.layout)
        self.table = BindingTable(self.layout)
        self._wakeup: Wakeup | None = None
        self._attendant: Attendant | None = None
        self._recover_at = -math.inf

    @property
    def wakeup(self) -> Wakeup:
        """The one of this process; one inherited through a fork is left to the parent."""
        if self._wakeup is None or self._wakeup.pid != os.getpid():
            self._wakeup = Wakeup()
        return self._wakeup

    def flushed_together(self) -> AbstractContextManager[None]:
        """As ``QueueFolder.flushed_together``, for who sends many messages."""
        return self.folder.flushed_together()

    @override
    def driver_version(self) -> str:
        return "1"

    @override
    def establish_connection(self) -> Any:
        make_private(self.layout.queues)
        return super().establish_connection()

    @override
    def close_connection(self, connection: Any) -> None:
        if self._attendant is not None:
            self._attendant.leave()
            self._attendant = None
        super().close_connection(connection)
        if self._wakeup is not None:
            self._wakeup.close()
            self._wakeup = None

    @override
    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message; raises ``TimeoutError`` when ``timeout`` seconds bring none."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not self.deliver_one():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            self.wakeup.wait(remaining)

    @override
    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        if self._attendant is not None:
            self._attendant.leave()
        self._attendant = Attendant(self, loop)

    def deliver_one(self) -> bool:
        """Hand the next message to its consumer; False if there is none, or none may be taken."""
        self.wakeup.watch(self.layout.queue(queue) for queue in self._active_queues())
        self.recover_now_and_then()
        try:
            self.cycle.get(self._deliver)
        except Empty:
            return False
        return True

    def look_again(self) -> None:
        """Wake whoever waits, since more may be delivered now; any thread may call it."""
        if self._wakeup is not None and self._wakeup.pid == os.getpid():
            self._wakeup.signal()

    def recover_now_and_then(self) -> None:
        now = time.monotonic()
        if now >= self._recover_at:
            self._recover_at = now + RECOVERY_INTERVAL
            recover(self.layout, self.folder, self.table)

    def _active_queues(self) -> set[str]:
        return {queue for channel in self.channels for queue in channel.active_queues}
