"""How many messages a worker asks the broker for in advance.

Many where jobs are small, since each would wait for the broker; as many as there are children where
they are not, since what one worker has asked for no other can take.
"""

import logging
import socket
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

#: The most for each child: two batches.
MOST_PER_CHILD = 200
GROWTH = 8
#: After children were found too busy for what was asked for, it does not grow for so many seconds.
CAUTION_SECONDS = 1.0


class Flow:
    """The prefetch count of a consumer, and whether it consumes at all."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.reset()

    def reset(self) -> None:
        """A new connection: Celery has subscribed with its own number."""
        self._count = int(self._consumer.initial_prefetch_count)
        self._cautious_until = 0.0
        self._is_paused = False

    def adapt(self, unacked: int) -> None:
        """Ask for more when all that was asked for is here, and the children keep up with it."""
        children = int(self._consumer.pool.num_processes)
        if self._is_paused or unacked < self._count or time.monotonic() < self._cautious_until:
            return
        count = min(self._count * GROWTH, children * MOST_PER_CHILD)
        if count > self._count:
            self._subscribe(count)

    def pause(self) -> None:
        """Take nothing more until ``resume``; and less then."""
        self._cautious_until = time.monotonic() + CAUTION_SECONDS
        self._count = int(self._consumer.pool.num_processes)
        if not self._is_paused:
            self._is_paused = True
            self._tell(self._consumer.task_consumer.cancel)

    def resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._subscribe(self._count)

    def _subscribe(self, count: int) -> None:
        """A broker like RabbitMQ applies a new count to new subscriptions only."""
        self._count = count
        consumer = self._consumer.task_consumer
        self._tell(consumer.cancel, lambda: self._consumer.qos.set(count), consumer.consume)

    def _tell(self, *acts: Callable[[], Any]) -> None:
        """Where the connection is gone, Celery subscribes anew on the next one, and we begin anew."""
        try:
            for act in acts:
                act()
        except self._consumer.connection_errors as error:
            log.warning("The broker cannot be told how much to send: %s", error)
        except self._consumer.channel_errors as error:
            log.warning(
                "The broker has closed a channel, and is asked for a new connection: %s", error
            )
            self._hang_up()

    def _hang_up(self) -> None:
        """Break the connection: a channel that is closed has no consumer, and nobody opens another one.

        The worker's event loop notices it as it notices any other loss.
        """
        sock = getattr(self._consumer.connection.connection, "sock", None)
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
