"""The messages in a broker, taken out and put in as they are: what a fault of the broker would do."""

from typing import Any

from celery import current_app

from celery_uncovered.jobs import outbox


def take_messages(queue: str) -> list[dict[str, Any]]:
    """Take all messages out of a queue; what was submitted until now is sent first."""
    outbox.publisher().flush(10)
    taken = []
    with current_app.connection_for_write() as broker:
        bound = current_app.amqp.queues[queue](broker.default_channel)
        bound.declare()
        while (message := bound.get(no_ack=True)) is not None:
            body = message.body
            taken.append(
                {
                    "body": body.decode() if isinstance(body, bytes) else body,
                    "headers": message.headers,
                    "properties": {
                        name: message.properties[name]
                        for name in ("correlation_id", "reply_to")
                        if message.properties.get(name)
                    },
                    "routing_key": message.delivery_info["routing_key"],
                }
            )
    return taken


def put_messages(messages: list[dict[str, Any]]) -> None:
    with current_app.connection_for_write() as broker, broker.Producer() as producer:
        for message in messages:
            producer.publish(
                message["body"],
                exchange=current_app.conf.task_default_exchange,
                routing_key=message["routing_key"],
                content_type="application/json",
                content_encoding="utf-8",
                headers=message["headers"],
                **message["properties"],
            )
