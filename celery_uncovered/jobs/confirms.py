"""Publishing over AMQP with the confirms of many messages awaited together.

py-amqp's own confirm mode waits for the broker after each message. Here a channel counts what it
published, and the broker's acks and nacks (https://www.rabbitmq.com/docs/confirms) settle them.
"""

import time
from typing import Any

from amqp import spec
from amqp.basic_message import Message
from amqp.method_framing import frame_writer
from amqp.serialization import dumps

#: The type of a frame that begins a message (AMQP 0-9-1, 4.2.3).
METHOD = 1
#: Bytes that are written at once; more would only wait in the socket.
LARGE = 64 * 1024


class Buffer:
    """What py-amqp writes frames to: a system call for many messages, in place of one for each."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._waiting = bytearray()

    def write(self, frames: bytes | memoryview) -> None:
        self._waiting += frames
        if len(self._waiting) >= LARGE:
            self.flush()

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        if waiting:
            self._transport.write(waiting)


class ConfirmingChannel:
    """A channel in confirm mode over an open connection of py-amqp; for one thread."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._channel.confirm_select()
        events = self._channel.events
        events["basic_ack"].add(self._on_ack)
        events["basic_nack"].add(self._on_nack)
        events["basic_return"].add(self._on_return)
        self._buffer = Buffer(connection.transport)
        self._write = frame_writer(connection, self._buffer)
        self._published = 0
        #: Names of the messages that the broker has not answered for, by their numbers.
        self._open: dict[int, str] = {}
        self._refused: set[str] = set()

    def publish(self, name: str, message: Message, *, exchange: str, routing_key: str) -> None:
        """Have a message written with those beside it; ``name`` must be its header ``id``."""
        self._published += 1
        self._open[self._published] = name
        # As basic_publish does, without its look for a blocked connection before each message.
        # Mandatory: what no queue takes comes back before it is acked.
        arguments = dumps("Bssbb", (0, exchange, routing_key, True, False))
        self._write(METHOD, self._channel.channel_id, spec.Basic.Publish, arguments, message)

    def flush(self) -> None:
        """Write to the socket what was published."""
        self._buffer.flush()

    def settle(self, seconds: float) -> set[str]:
        """Wait for the broker's word on all that was published; the names of what it refused.

        Raises TimeoutError after ``seconds``, and what py-amqp raises when the channel or the
        connection ends; ``open`` then has the names of those that are not confirmed.
        """
        self.flush()
        deadline = time.monotonic() + seconds
        while self._open:
            left = deadline - time.monotonic()
            if left <= 0:
                message = f"{len(self._open)} messages were not confirmed within {seconds:g} s"
                raise TimeoutError(message)
            self._connection.drain_events(timeout=left)
        refused, self._refused = self._refused, set()
        return refused

    @property
    def unconfirmed(self) -> set[str]:
        return {*self._open.values(), *self._refused}

    def close(self) -> None:
        self._channel.close()

    def _on_ack(self, number: int, multiple: bool) -> None:  # noqa: FBT001  # py-amqp's call
        self._answered(number, multiple=multiple)

    def _on_nack(self, number: int, multiple: bool) -> None:  # noqa: FBT001
        self._refused.update(self._answered(number, multiple=multiple))

    def _on_return(self, _error: Any, _exchange: str, _routing_key: str, message: Any) -> None:
        self._refused.add(message.headers["id"])

    def _answered(self, number: int, *, multiple: bool) -> list[str]:
        if not multiple:
            name = self._open.pop(number, None)
            return [] if name is None else [name]
        # Numbers were given in order, and dicts keep it.
        numbers = []
        for one in self._open:
            if one > number:
                break
            numbers.append(one)
        return [self._open.pop(one) for one in numbers]
