"""Acknowledging and rejecting, done on the disk at once."""

from typing import Any

from kombu.transport import virtual
from typing_extensions import override


class QoS(virtual.QoS):
    """Settles what a channel has delivered; any thread may acknowledge."""

    channel: Any

    @override
    def ack(self, delivery_tag: str) -> None:
        self.channel.folder.acknowledge(delivery_tag)
        self._settled(delivery_tag)

    @override
    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            self.channel.folder.give_back(delivery_tag)
        else:
            self.channel.folder.acknowledge(delivery_tag)
        self._settled(delivery_tag)

    def _settled(self, delivery_tag: str) -> None:
        super().ack(delivery_tag)
        # A consumer that waits at its prefetch limit may take the next one.
        if self.channel.connection is not None:
            self.channel.connection.look_again()
