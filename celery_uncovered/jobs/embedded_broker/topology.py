"""Exchanges, queues and bindings, as kombu declares and looks them up."""

from typing import Any

from amqp.protocol import queue_declare_ok_t
from kombu.transport import virtual
from kombu.utils.uuid import uuid
from typing_extensions import override

from celery_uncovered.jobs.embedded_broker.errors import (
    ExchangeDiffersError,
    ExchangeNotFoundError,
    ExchangeTypeError,
    QueueNotDeclaredError,
)
from celery_uncovered.jobs.embedded_broker.exchanges import Binding, BindingTable
from celery_uncovered.jobs.embedded_broker.folder import QueueFolder
from celery_uncovered.jobs.embedded_broker.owner import current_owner


class Topology(virtual.Channel):
    """Everything declared lives in the shared table and folders, none of it in this process.

    Queue and exchange arguments are accepted and ignored.
    """

    connection: Any
    folder: QueueFolder
    table: BindingTable
    supports_fanout = True

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self.folder, self.table = connection.folder, connection.table

    @override
    def exchange_declare(
        self,
        exchange: str | None = None,
        type: str = "direct",
        durable: bool = False,
        auto_delete: bool = False,
        arguments: dict[str, Any] | None = None,
        nowait: bool = False,
        passive: bool = False,
    ) -> None:
        kind = type or "direct"
        name = exchange or f"amq.{kind}"
        known = self.table.type_of(name)
        if passive:
            if known is None:
                raise ExchangeNotFoundError(name)
            return
        if kind not in self.exchange_types:
            raise ExchangeTypeError(kind, supported=self.exchange_types)
        if known not in {None, kind}:
            raise ExchangeDiffersError(name, known=known, kind=kind)
        self.table.declare(name, kind)

    @override
    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        self.table.drop_exchange(exchange)

    @override
    def queue_declare(
        self, queue: str | None = None, passive: bool = False, **kwargs: Any
    ) -> queue_declare_ok_t:
        name = queue or f"amq.gen-{uuid()}"
        if not passive:
            self._new_queue(name, **kwargs)
        elif not self._has_queue(name):
            raise QueueNotDeclaredError(name)
        return queue_declare_ok_t(name, self._size(name), 0)

    @override
    def queue_delete(
        self, queue: str, if_unused: bool = False, if_empty: bool = False, **kwargs: Any
    ) -> int:
        """Delete the queue and its bindings; how many messages went with it."""
        if if_empty and self._size(queue):
            return 0
        self.table.drop_queue(queue)
        return self.folder.delete(queue)

    @override
    def queue_bind(
        self,
        queue: str,
        exchange: str | None = None,
        routing_key: str = "",
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = exchange or "amq.direct"
        self.table.bind(name, self._binding(queue, name, routing_key))

    @override
    def queue_unbind(
        self,
        queue: str,
        exchange: str | None = None,
        routing_key: str = "",
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = exchange or "amq.direct"
        self.table.unbind(name, self._binding(queue, name, routing_key))

    @override
    def get_exchanges(self) -> list[str]:
        return self.table.exchanges()

    @override
    def get_table(self, exchange: str) -> list[Binding]:  # type: ignore[override]  # a direct binding has no pattern
        return self.table.bindings(exchange)

    @override
    def list_bindings(self) -> Any:
        return (
            (queue, exchange, key)
            for exchange in self.table.exchanges()
            for key, _, queue in self.table.bindings(exchange)
        )

    @override
    def typeof(self, exchange: str, default: str = "direct") -> Any:
        return self.exchange_types[self.table.type_of(exchange) or default]

    @override
    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        is_temporary = kwargs.get("auto_delete") or kwargs.get("exclusive")
        self.table.keep_for(queue, current_owner() if is_temporary else None)
        self.folder.create(queue)

    @override
    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return self.folder.exists(queue)

    @override
    def _size(self, queue: str) -> int:
        return self.folder.size(queue)

    @override
    def _purge(self, queue: str) -> int:
        return self.folder.purge(queue)

    @override
    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self.folder.delete(queue)

    def _binding(self, queue: str, exchange: str, routing_key: str) -> Binding:
        key, pattern, bound = self.typeof(exchange).prepare_bind(queue, exchange, routing_key, None)
        return key, pattern, bound
