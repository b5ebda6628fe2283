"""Celery's consumer, but that it keeps what it cannot take.

Celery's own logs a message that cannot be read, or is for an unknown task, and drops it; some that
are of a strange shape end the worker. Here each is set aside before it is acknowledged.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery import current_app, signals
from celery.worker.consumer.consumer import Consumer
from kombu.message import Message

from celery_uncovered.jobs import set_aside
from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.set_aside import Unreadable
from celery_uncovered.jobs.worker.acks import Acks, acks_for

log = logging.getLogger(__name__)

#: Seconds until the next try to write a row that the database did not take.
AGAIN_AFTER = 5.0
#: ``[args, kwargs, embed]``, as Celery's second protocol has it.
BODY_PARTS = 3


class SettingAsideConsumer(Consumer):
    # The stubs lack these.
    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]
    event_dispatcher: Any
    #: For the connection that there is now.
    acks: Acks

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        handle = super().create_task_handler(*args, **kwargs)
        acks = self.acks = acks_for(self)

        def on_task_received(message: Any) -> Any:
            acks.note(message)
            try:
                fault = fault_of(message)
                return self._keep(message, fault) if fault else handle(message)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:  # noqa: BLE001  # whatever a foreign message does to Celery's code
                return self.on_stumble(message, error)

        return on_task_received

    def on_stumble(self, message: Any, error: Exception) -> None:
        """Celery's code stumbled over a message; the next one is taken all the same.

        That of a job is well; what is wrong then is here, and raised.
        """
        if message.acknowledged or ATTEMPT_HEADER in message.headers:
            raise error
        log.error("A message of a strange shape", exc_info=error)
        self._keep(message, f"Celery cannot take it: {type(error).__name__}: {error}.")

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        # Kombu calls it past the handler for what cannot even be unpacked.
        self.acks.note(message)
        self._keep(message, f"Its body cannot be read as {message.content_type}: {exc}.")

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002  # Celery's signature
        self._keep(message, "It names no task.")
        signals.task_rejected.send(sender=self, message=message, exc=None)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002
        self._keep(message, f"It is no valid task message: {exc}.")
        signals.task_rejected.send(sender=self, message=message, exc=exc)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002
        name, task_id = _named(message)
        self._keep(message, f'Task "{name}" is not registered.', unknown_task=name)
        if self.event_dispatcher:
            self.event_dispatcher.send(
                "task-failed", uuid=task_id, exception=f"NotRegistered({name!r})"
            )
        signals.task_unknown.send(sender=self, message=message, exc=exc, name=name, id=task_id)

    def _keep(self, message: Any, reason: str, unknown_task: str = "") -> None:
        """Set the message aside and acknowledge it; until that is done it stays with the broker."""
        kept = _unreadable(message, reason)
        try:
            with no_fork():
                if unknown_task:
                    set_aside.keep_unknown_task(kept, unknown_task)
                else:
                    set_aside.keep(kept)
        except Exception as error:  # noqa: BLE001  # whatever it is, the message must not be lost
            log.warning("A message of queue %s is not set aside yet: %s", kept.queue, error)
            self.timer.call_after(AGAIN_AFTER, self._keep, (message, reason, unknown_task))
            return
        log.warning("A message of queue %s is set aside: %s", kept.queue, reason)
        message.ack_log_error(log, self.connection_errors)


def fault_of(message: Any) -> str:
    """What is wrong with the shape of a message that Celery would stumble over; "" where it is well.

    What cannot be decoded at all is left to Celery, which tells why.
    """
    headers = message.headers
    if "task" not in headers:
        return _fault_of_first_protocol(message)
    if not isinstance(headers["task"], str):
        return "Its task is no name."
    if not isinstance(headers.get("id"), str):
        return "It has no id."
    if isinstance(headers.get(ATTEMPT_HEADER), int):
        # Ours, as the ledger made it: its body is read once, by whoever runs it.
        return ""
    return _fault_of_body(message)


def _fault_of_body(message: Any) -> str:
    try:
        payload = message.payload
    except Exception:  # noqa: BLE001  # Celery meets the same, and says what
        return ""
    if isinstance(payload, dict) and "args" in payload:
        return ""
    return "" if _is_body(payload) else "Its body is not [args, kwargs, embed]."


def _fault_of_first_protocol(message: Any) -> str:
    try:
        payload = message.decode()
    except Exception:  # noqa: BLE001  # as above
        return ""
    if not isinstance(payload, dict) or "task" not in payload:
        return ""
    if not isinstance(payload["task"], str) or not isinstance(payload.get("id"), str):
        return "Its task or its id is no text."
    return ""


def _is_body(payload: Any) -> bool:
    if not isinstance(payload, (list, tuple)) or len(payload) != BODY_PARTS:
        return False
    args, kwargs, embed = payload
    return (
        isinstance(args, (list, tuple))
        and isinstance(kwargs, dict)
        and (embed is None or isinstance(embed, dict))
    )


def _named(message: Any) -> tuple[str, str]:
    """The task and the id that a message of either protocol names."""
    named = message.headers if "task" in message.headers else message.payload
    return str(named["task"]), str(named.get("id") or "")


def _unreadable(message: Message, reason: str) -> Unreadable:
    delivery: Any = message.delivery_info or {}
    properties: Any = message.properties or {}
    return Unreadable(
        queue=_queue_of(delivery),
        reason=reason,
        body=_bytes_of(message),
        content_type=str(message.content_type or ""),
        content_encoding=str(message.content_encoding or ""),
        headers=dict(message.headers or {}),
        properties={
            **{name: value for name, value in properties.items() if name != "application_headers"},
            "delivery_info": dict(delivery),
        },
    )


def _bytes_of(message: Any) -> bytes:
    """The body as it was on the wire, where the broker's client has decoded it too."""
    body = message.body
    if not isinstance(body, str):
        return bytes(body or b"")
    try:
        return body.encode(message.content_encoding or "utf-8")
    except (LookupError, UnicodeError):
        return body.encode("utf-8", "surrogatepass")


def _queue_of(delivery: dict[str, Any]) -> str:
    """The queue it came from: the one with its routing key, or that which the key names."""
    key = str(delivery.get("routing_key") or "")
    queues = current_app.amqp.queues.values()
    return next((str(queue.name) for queue in queues if queue.routing_key == key), key)
