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
#: So many messages are never too many to remember.
FEW = 1000


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
            self._ack(message)

    def _ack(self, message: Any, *, multiple: bool = False) -> None:
        try:
            message.ack_log_error(log, self._errors, multiple=multiple)
        except BrokenPipeError:
            # Kombu lets this one through. The connection is gone, and the message comes again.
            log.info("The broker is gone; a message that is done comes again")

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
        self._newest: Any = None
        self._most = FEW

    def note(self, message: Any) -> None:
        newest, self._newest = self._newest, message
        if message is newest:
            return
        if newest is None or self._is_anew(message, newest):
            # What came over an earlier channel comes again.
            self._channel = message.channel
            self._open.clear()
            self._done.clear()
        self._open.append(message)
        while self._open[0].acknowledged:
            self._open.popleft()
        if len(self._open) > self._most:
            self._forget_settled()

    def _is_anew(self, message: Any, newest: Any) -> bool:
        """Whether the channel is another one, or was opened again: it counts from 1 then."""
        is_same = message.channel is self._channel
        return not is_same or message.delivery_tag <= newest.delivery_tag

    def _forget_settled(self) -> None:
        """Those that somebody else has settled, behind one that takes long."""
        self._open = deque(message for message in self._open if not message.acknowledged)
        self._most = max(FEW, 2 * len(self._open))

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
            self._ack(last, multiple=True)

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
        self._forget_settled()
        super().settle(held_up)

    def _is_done(self, message: Any) -> bool:
        return message.delivery_tag in self._done
