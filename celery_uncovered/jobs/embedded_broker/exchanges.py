"""Exchanges, bindings and temporary queues, shared by all processes."""

from collections.abc import Callable
from typing import Any

from celery_uncovered.jobs.embedded_broker.layout import Layout
from celery_uncovered.jobs.embedded_broker.table_file import TableFile

#: Routing key, the pattern a topic exchange matches with (else None), queue: as kombu has them.
Binding = tuple[str, str | None, str]


class BindingTable:
    """Which exchange sends to which queue. What is already so is not written again.

    The file: ``{"exchanges": {name: {"type": str, "bindings": [[key, pattern, queue], ...]}},
    "temporary": {queue: owner}}``.
    """

    def __init__(self, layout: Layout) -> None:
        self._file = TableFile(layout.table, lock=layout.table_lock)

    def exchanges(self) -> list[str]:
        return list(self._file.read().get("exchanges", {}))

    def type_of(self, exchange: str) -> str | None:
        entry = self._entry(exchange)
        return entry["type"] if entry else None

    def bindings(self, exchange: str) -> list[Binding]:
        entry = self._entry(exchange)
        return [(key, pattern, queue) for key, pattern, queue in entry["bindings"]] if entry else []

    def is_bound(self, queue: str) -> bool:
        return any(queue == bound for name in self.exchanges() for *_, bound in self.bindings(name))

    def owner_of(self, queue: str) -> str | None:
        """The process that a temporary queue lives as long as; None for a lasting queue."""
        owner: str | None = self._file.read().get("temporary", {}).get(queue)
        return owner

    def declare(self, exchange: str, kind: str) -> None:
        if self.type_of(exchange) is None:
            with self._file.changing() as content:
                _entry(content, exchange, kind)

    def bind(self, exchange: str, binding: Binding) -> None:
        """Add the binding; an exchange nobody declared is a direct one."""
        if binding not in self.bindings(exchange):
            with self._file.changing() as content:
                bindings = _entry(content, exchange, "direct")["bindings"]
                if list(binding) not in bindings:
                    bindings.append(list(binding))

    def unbind(self, exchange: str, binding: Binding) -> None:
        if binding in self.bindings(exchange):
            with self._file.changing() as content:
                bindings = _entry(content, exchange, "direct")["bindings"]
                bindings[:] = [kept for kept in bindings if kept != list(binding)]

    def drop_exchange(self, exchange: str) -> None:
        with self._file.changing() as content:
            content.get("exchanges", {}).pop(exchange, None)

    def drop_queue(self, queue: str) -> None:
        """Forget the queue's bindings, and that it is temporary."""
        if self.is_bound(queue) or self.owner_of(queue):
            with self._file.changing() as content:
                _drop(content, queue)

    def keep_for(self, queue: str, owner: str | None) -> None:
        """Make the queue live as long as ``owner`` does; for None, until it is deleted."""
        if self.owner_of(queue) == owner:
            return
        with self._file.changing() as content:
            temporary = content.setdefault("temporary", {})
            temporary.pop(queue, None)
            if owner is not None:
                temporary[queue] = owner

    def drop_temporary(
        self, is_gone: Callable[[str], bool], *, delete: Callable[[str], object]
    ) -> None:
        """Drop and ``delete`` the temporary queues whose owner is gone."""
        if not _orphans(self._file.read(), is_gone):
            return
        # Looked up again under the lock: a restarted worker may have taken its queue over.
        with self._file.changing() as content:
            for queue in _orphans(content, is_gone):
                _drop(content, queue)
                delete(queue)

    def _entry(self, exchange: str) -> dict[str, Any] | None:
        entry: dict[str, Any] | None = self._file.read().get("exchanges", {}).get(exchange)
        return entry


def _entry(content: dict[str, Any], exchange: str, kind: str) -> dict[str, Any]:
    exchanges: dict[str, dict[str, Any]] = content.setdefault("exchanges", {})
    return exchanges.setdefault(exchange, {"type": kind, "bindings": []})


def _orphans(content: dict[str, Any], is_gone: Callable[[str], bool]) -> list[str]:
    return [queue for queue, owner in content.get("temporary", {}).items() if is_gone(owner)]


def _drop(content: dict[str, Any], queue: str) -> None:
    content.get("temporary", {}).pop(queue, None)
    for entry in content.get("exchanges", {}).values():
        entry["bindings"] = [kept for kept in entry["bindings"] if kept[2] != queue]
