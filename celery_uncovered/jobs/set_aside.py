"""Messages that no worker can take, kept with their bytes until somebody sends them back or drops them.

A worker writes the row before it acknowledges the message; while the database does not answer, the
message stays unacknowledged with the broker. So one may be kept twice, and none is lost.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from celery import current_app, signals
from django.db import DatabaseError, transaction
from django.utils import timezone

from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.embedded_broker.aside import StrayFile, stray_files
from celery_uncovered.jobs.errors import NotSentBackError, NotSetAsideError, UnknownTaskError
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Job, SetAside
from celery_uncovered.jobs.replay import retry_job
from celery_uncovered.jobs.sender import CONFIRM_SECONDS
from celery_uncovered.jobs.settle import readable, storable
from celery_uncovered.jobs.states import RETRIABLE, State
from celery_uncovered.jobs.task import JobTask

#: The bytes of a body that are kept; no message of a job is larger.
LARGEST_KEPT = 8 * 1024 * 1024
CELERYS_CONSUMER = "celery.worker.consumer:Consumer"
OUR_CONSUMER = "celery_uncovered.jobs.worker.consumer:SettingAsideConsumer"
EMBEDDED = "celery_uncovered.jobs.embedded_broker:Transport"
_TEXT = 255


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A message as it came: bytes, and what was said of them. ``reason`` is one sentence."""

    queue: str
    reason: str
    body: bytes
    content_type: str
    content_encoding: str
    headers: dict[str, Any]
    properties: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SetAsideInfo:
    """A message that was set aside. ``body`` is left empty in lists; ``size`` is the whole one's."""

    id: int
    queue: str
    reason: str
    received_at: datetime
    is_message: bool
    task_id: str
    task: str
    size: int
    content_type: str
    content_encoding: str
    headers: str
    properties: str
    body: bytes = b""

    @property
    def is_cut(self) -> bool:
        return len(self.body) < self.size


def connect_consumer() -> None:
    signals.celeryd_init.connect(_choose_consumer, dispatch_uid="jobs-consumer")


def _choose_consumer(conf: Any, **_: Any) -> None:
    """Let a worker whose tasks are jobs keep what it cannot take, unless its settings say otherwise."""
    if issubclass(current_app.Task, JobTask) and conf.worker_consumer == CELERYS_CONSUMER:
        conf.worker_consumer = OUR_CONSUMER


def keep(message: Unreadable) -> int:
    """Write the row of a message; its id."""
    return int(SetAside.objects.create(**_fields(message)).pk)


def keep_unknown_task(message: Unreadable, task: str) -> int:
    """Write the row of a message for a task that no worker here knows, and fail its job with it.

    Only a job that waits for just this message: a duplicate must not fail one that runs elsewhere.
    """
    with transaction.atomic():
        number = keep(message)
        job = _waiting_for(message)
        if job is not None:
            error = UnknownTaskError(task)
            current_app.backend.mark_as_failure(job.id, error, request=request_of(job))
    return number


def list_set_aside(
    *, since: datetime | None, queue: str = "", before: int | None = None, limit: int = 50
) -> tuple[list[SetAsideInfo], int | None]:
    """Those received since then, the last one first, and the cursor of the next page or None."""
    rows = SetAside.objects.defer("body")
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    if queue:
        rows = rows.filter(queue=queue)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = [_info(row) for row in rows.order_by("-pk")[: limit + 1]]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def set_aside_message(number: int) -> SetAsideInfo:
    """One of them with its bytes. Raises NotSetAsideError."""
    row = SetAside.objects.filter(pk=number).first()
    if row is None:
        raise NotSetAsideError(number)
    return _info(row, bytes(row.body))


def discard_set_aside(number: int) -> None:
    """Drop the message for good. Raises NotSetAsideError."""
    if not SetAside.objects.filter(pk=number).delete()[0]:
        raise NotSetAsideError(number)


def send_back(number: int) -> None:
    """Send the message to its queue again, as it came; or retry its job, where that has ended.

    The row goes once the broker has confirmed. Raises NotSetAsideError, NotSentBackError, and what
    ``retry_job`` raises.
    """
    found = set_aside_message(number)
    if not found.is_message:
        raise NotSentBackError(number, "it is a file that is no message")
    if found.is_cut:
        raise NotSentBackError(number, f"only {len(found.body):,} of its bytes are kept")
    with transaction.atomic():
        # Locked: of two who press the button, the second one finds nothing.
        if not SetAside.objects.filter(pk=number).delete()[0]:
            raise NotSetAsideError(number)
        state = Job.objects.filter(id=found.task_id).values_list("state", flat=True).first()
        if found.task_id and state in RETRIABLE:
            retry_job(found.task_id)
        else:
            _publish(number, found)


def collect_files() -> int:
    """Take up what the embedded broker set aside as files: rows first, then the files go; how many."""
    conf = current_app.conf
    folder = (conf.broker_transport_options or {}).get("folder")
    if conf.broker_transport != EMBEDDED or not folder:
        return 0
    taken = 0
    for stray in stray_files(Path(folder), at_most=LARGEST_KEPT):
        _keep_file(stray)
        stray.path.unlink(missing_ok=True)
        taken += 1
    return taken


def _keep_file(stray: StrayFile) -> None:
    SetAside.objects.create(
        queue=stray.queue[:_TEXT],
        reason=storable(f"A file in the broker's folder is no message: {stray.reason}."),
        received_at=stray.since,
        is_message=False,
        body=stray.start,
        size=stray.size,
    )


def _waiting_for(message: Unreadable) -> Job | None:
    """The job whose next attempt the message is for, locked."""
    waiting = Job.objects.select_for_update().filter(
        id=str(message.headers.get("id") or ""), state=State.QUEUED
    )
    number = message.headers.get(ATTEMPT_HEADER)
    if isinstance(number, int):
        waiting = waiting.filter(attempt=number - 1)
    return waiting.first()


def _fields(message: Unreadable) -> dict[str, Any]:
    headers = message.headers
    return {
        "queue": storable(message.queue)[:_TEXT],
        "reason": readable(message.reason),
        "received_at": timezone.now(),
        "task_id": _short(headers.get("id")),
        "task": _short(headers.get("task")),
        "body": message.body[:LARGEST_KEPT],
        "size": len(message.body),
        "content_type": _short(message.content_type),
        "content_encoding": _short(message.content_encoding),
        "headers": _json(headers),
        "properties": _json(message.properties),
    }


def _short(value: Any) -> str:
    return storable(value)[:_TEXT] if isinstance(value, str) else ""


def _json(value: Any) -> str:
    # What JSON has no word for is written as Python shows it: for reading, and rarely for sending.
    return storable(json.dumps(value, ensure_ascii=False, default=repr, skipkeys=True))


def _publish(number: int, message: SetAsideInfo) -> None:
    known = current_app.amqp.queues
    queue = known.get(message.queue)
    properties = json.loads(message.properties)
    try:
        with current_app.producer_pool.acquire(block=True, timeout=CONFIRM_SECONDS) as producer:
            producer.publish(
                message.body,
                # Without a queue of that name the default exchange knows it, if the broker does.
                exchange=queue.exchange if queue else "",
                routing_key=queue.routing_key if queue else message.queue,
                content_type=message.content_type or "application/octet-stream",
                content_encoding=message.content_encoding or "binary",
                headers=json.loads(message.headers),
                declare=[queue] if queue else [],
                retry=False,
                timeout=CONFIRM_SECONDS,
                confirm_timeout=CONFIRM_SECONDS,
                **{name: properties[name] for name in _SENT if name in properties},
            )
    except DatabaseError:
        raise
    except Exception as error:
        raise NotSentBackError(number, f"the broker says: {error}") from error


_SENT = ("correlation_id", "reply_to", "priority", "delivery_mode")


def _info(row: SetAside, body: bytes = b"") -> SetAsideInfo:
    return SetAsideInfo(
        id=row.pk,
        queue=row.queue,
        reason=row.reason,
        received_at=row.received_at,
        is_message=row.is_message,
        task_id=row.task_id,
        task=row.task,
        size=row.size,
        content_type=row.content_type,
        content_encoding=row.content_encoding,
        headers=row.headers,
        properties=row.properties,
        body=body,
    )
