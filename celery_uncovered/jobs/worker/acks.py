"""Acknowledgements that travel together.

AMQP's ``multiple`` acknowledges all messages of a channel up to one
(https://www.rabbitmq.com/docs/confirms#consumer-acks-multiple-parameter). So a consumer notes every
message in the order of arrival; when the oldest ones are done, one word settles them all.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

log = logging.getLogger(__name__)

#: How long the acknowledgement of a message may wait for an older one (seconds).
LINGER_SECONDS = 0.05


def acks_for(consumer: Any) -> "Acks":
    """Those for the connection that ``consumer`` has now."""
    errors = consumer.connection_errors
    is_amqp = consumer.connection.transport.driver_type == "amqp"
    return GroupedAcks(errors) if is_amqp else Acks(errors)


class Acks:
    """Each message by itself: for transports to which ``multiple`` means nothing."""

    def __init__(self, connection_errors: tuple[type[Exception], ...]) -> None:
        self._errors = connection_errors

    def note(self, message: Any) -> None:
        """A message came in."""

    def settle(self, messages: Iterable[Any]) -> None:
        """Acknowledge ``messages``, those that wait for older ones when ``flush`` is called."""
        for message in messages:
            message.ack_log_error(log, self._errors)

    @property
    def is_due(self) -> bool:
        """Whether an acknowledgement has waited for LINGER_SECONDS."""
        return False

    @property
    def are_waiting(self) -> bool:
        return False

    def flush(self) -> None:
        """Acknowledge what waits for an older message, which may take long."""


class GroupedAcks(Acks):
    """The messages of one channel that are not settled yet; for one thread.

    Whoever else settles one of them does so by the message itself, as Celery does.
    """

    def __init__(self, connection_errors: tuple[type[Exception], ...]) -> None:
        super().__init__(connection_errors)
        self._channel: Any = None
        self._open: deque[Any] = deque()
        #: The numbers of those in ``_open`` that are done.
        self._done: set[int] = set()
        self._waiting_since = 0.0

    def note(self, message: Any) -> None:
        if message.channel is not self._channel:
            # What came over an earlier channel comes again.
            self._channel = message.channel
            self._open.clear()
            self._done.clear()
        self._open.append(message)

    def settle(self, messages: Iterable[Any]) -> None:
        if not self._done:
            self._waiting_since = time.monotonic()
        self._done.update(one.delivery_tag for one in messages if one.channel is self._channel)
        last = None
        while self._open and (self._is_done(self._open[0]) or self._open[0].acknowledged):
            message = self._open.popleft()
            if self._is_done(message):
                self._done.remove(message.delivery_tag)
                last = message
        if last is not None:
            last.ack_log_error(log, self._errors, multiple=True)

    @property
    def is_due(self) -> bool:
        return self.are_waiting and time.monotonic() - self._waiting_since > LINGER_SECONDS

    @property
    def are_waiting(self) -> bool:
        return bool(self._done)

    def flush(self) -> None:
        held_up = [message for message in self._open if self._is_done(message)]
        self._open = deque(message for message in self._open if not self._is_done(message))
        self._done.clear()
        super().settle(held_up)

    def _is_done(self, message: Any) -> bool:
        return message.delivery_tag in self._done
