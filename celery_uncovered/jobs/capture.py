"""A producer that keeps the message instead of sending it.

Celery builds and signs off every message itself (routing, canvas, ``before_task_publish``) and
ends in ``producer.publish``. Given this producer, that message goes into the ledger; the outbox
sends it once its row is committed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery_uncovered.jobs.errors import SerializerRefusedError
from celery_uncovered.jobs.hiding import without_secrets
from celery_uncovered.jobs.messages import KEPT_PROPERTIES, Message, encode_body, queue_of
from celery_uncovered.jobs.sealing import secret_positions


class _NoConnection:
    """Stands where Celery expects the producer's connection; nothing is ever connected."""

    @contextmanager
    def _reraise_as_library_errors(self) -> Iterator[None]:
        yield


class CapturingProducer:
    """Keeps what is published as ``message``. One instance serves one submission."""

    def __init__(self) -> None:
        self.connection = _NoConnection()
        self.message: Message | None = None

    def publish(
        self,
        body: Any,
        *,
        exchange: Any = "",
        routing_key: str = "",
        serializer: str = "json",
        declare: Any = None,
        headers: dict[str, Any],
        **properties: Any,
    ) -> None:
        task = headers["task"]
        if serializer != "json":
            raise SerializerRefusedError(task, serializer)
        name = getattr(exchange, "name", exchange) or ""
        text = encode_body(task, body, secret_positions(task))
        self.message = Message(
            task_id=headers["id"],
            task=task,
            queue=queue_of(name, routing_key, declare),
            exchange=name,
            routing_key=routing_key,
            body=text,
            headers=without_secrets(headers, body, text),
            properties={key: properties[key] for key in KEPT_PROPERTIES if key in properties},
        )
