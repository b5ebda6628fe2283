"""Celery's messages as the ledger keeps them: two JSON texts, and the way back to the wire."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from kombu.utils.json import loads

from celery_uncovered.jobs import literals, sealing
from celery_uncovered.jobs.errors import ArgumentsNotJsonError, ArgumentsTooLargeError

#: Header with the number of the attempt that a message is for; a worker claims only that one.
ATTEMPT_HEADER = "job_attempt"
#: Header with the moment that a job was due at, which a task reads as ``self.request.eta``.
DUE_HEADER = "job_due"
#: Header of a message whose body is too large to travel: the worker reads it from the ledger.
BODY_HEADER = "job_body"
IN_LEDGER = "ledger"
#: Bodies beyond this many characters stay in the ledger; a broker keeps messages best when small.
LARGEST_SENT = 64 * 1024
EMPTY_BODY = "[[], {}, {}]"
#: Headers that the ledger answers for itself, so that Celery's own handling never sees them.
LEDGER_HEADERS = ("eta", "expires")


def usual_headers() -> dict[str, Any]:
    """What the headers of most messages say; what is usual does not travel.

    Each time in values of their own: a task may change what it finds in its request.
    """
    return {
        "lang": "py",
        "retries": 0,
        "timelimit": [None, None],
        "ignore_result": False,
        "replaced_task_nesting": 0,
        "stamps": {},
    }


#: To compare with; nobody gets these values.
USUAL = usual_headers()
#: Those of which a missing one means another thing; a number that is missing is Celery's 0.
TOLD_APART = USUAL.keys() - {"retries", "replaced_task_nesting"}
KEPT_PROPERTIES = ("correlation_id", "reply_to", "priority", "delivery_mode")


@dataclass(frozen=True, kw_only=True)
class Message:
    """One task message: ``body`` is the JSON text ``[args, kwargs, embed]``."""

    task_id: str
    task: str
    queue: str
    exchange: str
    routing_key: str
    body: str
    headers: dict[str, Any]
    properties: dict[str, Any]

    def envelope(self) -> str:
        """The part of the message that is not its body, as the ledger's ``message`` text."""
        parts = {
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "headers": self.headers,
            "properties": self.properties,
        }
        return literals.dumps(parts, is_meant=sealing.is_genuine)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message and the number of the attempt that it is for."""

    message: Message
    attempt: int


def wire_form(delivery: Delivery) -> tuple[dict[str, Any], str]:
    """The headers and the body as they travel; the ledger keeps all of it.

    What is None or usual ``full_headers`` knows without it, and a large body stays in the ledger.
    """
    message = delivery.message
    headers = {key: value for key, value in message.headers.items() if value != USUAL.get(key)}
    if not message.headers.keys() >= TOLD_APART:
        headers |= dict.fromkeys(TOLD_APART - message.headers.keys())
    if headers.get("root_id") == message.task_id:
        del headers["root_id"]
    headers[ATTEMPT_HEADER] = delivery.attempt
    if len(message.body) <= LARGEST_SENT:
        return headers, message.body
    headers[BODY_HEADER] = IN_LEDGER
    return headers, EMPTY_BODY


def full_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """The headers of a message that came over the wire, as Celery made them."""
    full = usual_headers()
    full["root_id"] = headers["id"]
    full.update(headers)
    return full


def encode(value: Any) -> str:
    """``value`` as strict JSON text (no NaN), with kombu's tags for dates, UUIDs and decimals."""
    return literals.dumps(value)


def decode(text: str) -> Any:
    return loads(text)


def encode_body(task: str, body: Any, secret_positions: frozenset[int] = frozenset()) -> str:
    """The message body of ``task`` as JSON text, with the secrets in it sealed.

    Raises ArgumentsNotJsonError, or ArgumentsTooLargeError beyond JOBS_MAX_BODY_BYTES.
    """
    try:
        text = encode(body)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentsNotJsonError(task, str(error)) from error
    except Exception as error:  # kombu wraps what it cannot encode in its own classes
        raise ArgumentsNotJsonError(task, str(error)) from error
    limit: int = settings.JOBS_MAX_BODY_BYTES
    if size > limit:
        raise ArgumentsTooLargeError(task, size, limit)
    return sealing.seal_body(text, secret_positions)


def arguments(body: str) -> tuple[list[Any], dict[str, Any]]:
    """The positional and the keyword arguments in a body text, for showing: without their secrets."""
    args, kwargs, *_ = sealing.shown(body, is_plain=True)
    return args, kwargs


def queue_of(exchange: str, routing_key: str, declare: Any) -> str:
    """The name of the queue that a message goes to; the routing key where none is declared."""
    for queue in declare or ():
        return str(queue.name)
    return routing_key or exchange
