"""Sending and receiving over the queue folders, as kombu asks for it."""

from collections.abc import Callable
from queue import Empty
from typing import Any

from typing_extensions import override

from celery_uncovered.jobs.embedded_broker.envelope import to_bytes
from celery_uncovered.jobs.embedded_broker.folder import QueueNotFoundError
from celery_uncovered.jobs.embedded_broker.owner import current_owner
from celery_uncovered.jobs.embedded_broker.qos import QoS
from celery_uncovered.jobs.embedded_broker.topology import Topology


class Channel(Topology):
    """A message is delivered until it is acknowledged; closing gives back what is not.

    A temporary queue (auto-delete or exclusive) goes with its last consumer on this channel,
    or with the process that declared it.
    """

    QoS = QoS

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self._settled_on_receipt: set[str] = set()

    @property
    def active_queues(self) -> list[str]:
        return self._active_queues

    @override
    def basic_consume(
        self, queue: str, no_ack: bool, callback: Any, consumer_tag: str | None, **kwargs: Any
    ) -> Any:
        super().basic_consume(queue, no_ack, callback, consumer_tag, **kwargs)
        if no_ack:
            self._settled_on_receipt.add(queue)
        self.connection.look_again()

    @override
    def basic_qos(
        self, prefetch_size: int = 0, prefetch_count: int = 0, apply_global: bool = False
    ) -> None:
        super().basic_qos(prefetch_size, prefetch_count, apply_global)
        self.connection.look_again()

    @override
    def basic_cancel(self, consumer_tag: str) -> None:
        queue = self._tag_to_queue.get(consumer_tag)
        super().basic_cancel(consumer_tag)
        if queue is None or queue in self._active_queues:
            return
        self._settled_on_receipt.discard(queue)
        if self.table.owner_of(queue) == current_owner():
            self.queue_delete(queue)

    @override
    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        self.connection.recover_now_and_then()
        message: Any = super().basic_get(queue, no_ack, **kwargs)
        if message is not None and no_ack:
            self.folder.acknowledge(message.delivery_tag)
        return message

    @override
    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        claim = self.folder.claim(queue)
        if claim is None:
            raise Empty
        properties = claim.message["properties"]
        properties["delivery_tag"] = claim.tag
        properties["delivery_info"]["redelivered"] = claim.is_redelivered
        return claim.message

    @override
    def _get_and_deliver(self, queue: str, callback: Callable[..., Any]) -> None:
        message = self._get(queue)
        if queue in self._settled_on_receipt:
            self.folder.acknowledge(message["properties"]["delivery_tag"])
        callback(message, queue)

    @override
    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        content = to_bytes(message)
        try:
            self.folder.put(queue, content)
        except QueueNotFoundError:
            if message["properties"]["delivery_info"]["exchange"] and not self.table.is_bound(
                queue
            ):
                # Deleted since it was looked up, like a reply queue nobody reads any more.
                return
            self.folder.create(queue)
            self.folder.put(queue, content)

    def _put_fanout(self, exchange: str, message: dict[str, Any], key: str, **_: Any) -> None:
        for queue in self._lookup(exchange, key):
            self._put(queue, message)

    @override
    def _restore(self, message: Any) -> None:
        self.folder.give_back(message.delivery_tag)
