"""A message that came without a ledger row (``send_task`` from elsewhere) gets one on receipt."""

from typing import Any

from celery import current_app
from kombu.serialization import loads

from celery_uncovered.jobs.hiding import without_secrets
from celery_uncovered.jobs.insert import insert_job, row_of
from celery_uncovered.jobs.messages import (
    ATTEMPT_HEADER,
    BODY_HEADER,
    IN_LEDGER,
    KEPT_PROPERTIES,
    Message,
    decode,
    encode_body,
)
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.sealing import secret_positions
from celery_uncovered.jobs.timing import Timing

FIRST_ATTEMPT = 1
#: Headers with the arguments for people to read.
SHOWN = ("argsrepr", "kwargsrepr")


def attempt_of_foreign(
    name: str, task_id: str, request: dict[str, Any], message: tuple[Any, ...]
) -> int:
    """The attempt that a message without our header is for: the job's next one.

    ``message`` is Celery's (body, content type, content encoding). The row is inserted where there
    is none; a job whose row exists was sent by name, and is claimed like any other. Either way the
    row is what is run: ``request`` is told so, and shows of the arguments what the row's headers do.
    """
    found = Job.objects.filter(id=task_id).values_list("attempt", "message").first()
    if found is not None:
        attempt, envelope = found
        headers = decode(envelope).get("headers", {})
    else:
        received = _message(name, task_id, request, message)
        insert_job(row_of(received, Timing()))
        attempt, headers = 0, received.headers
    request.update({shown: headers[shown] for shown in SHOWN if shown in headers})
    request[BODY_HEADER] = IN_LEDGER
    return int(attempt) + FIRST_ATTEMPT


def _message(name: str, task_id: str, request: dict[str, Any], message: tuple[Any, ...]) -> Message:
    body, content_type, content_encoding = message
    parts = loads(body, content_type, content_encoding) if content_type else body
    delivery = request.get("delivery_info") or {}
    headers = {
        key: value
        for key, value in request.items()
        if key not in {"delivery_info", ATTEMPT_HEADER, *KEPT_PROPERTIES} and _is_plain(value)
    }
    exchange, routing_key = delivery.get("exchange") or "", delivery.get("routing_key") or ""
    known = current_app.amqp.queues
    text = encode_body(name, parts, secret_positions(name))
    queue = routing_key if routing_key in known else current_app.conf.task_default_queue
    return Message(
        task_id=task_id,
        task=name,
        queue=queue,
        exchange=exchange,
        routing_key=routing_key,
        body=text,
        headers=without_secrets(headers, parts, text),
        properties={"correlation_id": task_id},
    )


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool, list, dict))
