"""Sending committed jobs to the broker: one publisher thread per process.

The row is safe once it is committed, so nobody waits for the broker. What the thread could not
send, or what a crash took with it, stays ``published_at IS NULL`` and the dispatcher sends it.
"""

import atexit
import logging
import os
import queue
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.utils import timezone

from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.messages import (
    ATTEMPT_HEADER,
    BODY_HEADER,
    DUE_HEADER,
    EMPTY_BODY,
    IN_LEDGER,
    LARGEST_SENT,
    Message,
    decode,
)
from celery_uncovered.jobs.models import Job

log = logging.getLogger(__name__)

BATCH = 500
IDLE_SECONDS = 1.0
#: How long the end of a process waits for what it still has to send; the sweep covers the rest.
FLUSH_SECONDS = 2.0
#: How long a message may take to be taken and confirmed; a blocked broker is one that is down.
CONFIRM_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message and the number of the attempt that it is for."""

    message: Message
    attempt: int


def send_after_commit(message: Message, *, attempt: int) -> None:
    """Have ``message`` sent once the surrounding transaction, if any, has committed."""
    delivery = Delivery(message=message, attempt=attempt)
    transaction.on_commit(lambda: publisher().send(delivery))


def send_job_after_commit(task_id: str) -> None:
    """Have the next message of a QUEUED job sent once the surrounding transaction has committed."""

    def send() -> None:
        for job in Job.objects.filter(id=task_id, published_at=None):
            publisher().send(delivery_of(job))

    # The commit counts: what cannot be sent now is the dispatcher's.
    transaction.on_commit(send, robust=True)


def delivery_of(job: Job) -> Delivery:
    """The next message of ``job``, built from its row."""
    envelope = decode(job.message)
    due = {DUE_HEADER: job.due_at.isoformat()} if job.due_at else {}
    message = Message(
        task_id=job.id,
        task=job.task,
        queue=job.queue,
        exchange=envelope["exchange"],
        routing_key=envelope["routing_key"],
        body=job.body,
        headers=envelope["headers"] | due,
        properties=envelope["properties"],
    )
    return Delivery(message=message, attempt=job.attempt + 1)


def publish(deliveries: list[Delivery]) -> None:
    """Send ``deliveries`` now, with confirms, and note it on their rows.

    A message that cannot be sent holds up no other: it is logged and stays unpublished. Raises what
    the broker's client raises where there is no connection; what was sent is noted all the same.
    """
    sent: list[Delivery] = []
    try:
        with current_app.producer_pool.acquire(block=True) as producer:
            broker: Any = producer.connection
            _declare_topology(producer)
            for delivery in deliveries:
                try:
                    _publish(producer, delivery)
                    sent.append(delivery)
                except broker.connection_errors:
                    raise
                except Exception as error:  # noqa: BLE001  # of this one message: a missing exchange
                    log.warning("Job %s is not sent: %s", delivery.message.task_id, error)
                    producer.revive(broker)
    finally:
        with no_fork():
            _note_published(sent)


def _publish(producer: Any, delivery: Delivery) -> None:
    message = delivery.message
    known: Any = current_app.amqp.queues
    headers, body = message.headers | {ATTEMPT_HEADER: delivery.attempt}, message.body
    if len(body) > LARGEST_SENT:
        headers, body = headers | {BODY_HEADER: IN_LEDGER}, EMPTY_BODY
    producer.publish(
        body,
        exchange=message.exchange,
        routing_key=message.routing_key,
        content_type="application/json",
        content_encoding="utf-8",
        headers=headers,
        # One that Celery made when it was named is not known to other processes yet.
        declare=[known[message.queue]] if known.create_missing or message.queue in known else [],
        retry=False,
        timeout=CONFIRM_SECONDS,
        confirm_timeout=CONFIRM_SECONDS,
        **message.properties,
    )


def _declare_topology(producer: Any) -> None:
    """Declare what catches unroutable and dead messages; once for each connection."""
    for queue_ in getattr(current_app.conf, "jobs_safety_queues", None) or ():
        producer.maybe_declare(queue_)


def _note_published(sent: list[Delivery]) -> None:
    # Guarded by the attempt: a job that has moved on meanwhile has another message to send.
    ids_by_attempt: dict[int, list[str]] = defaultdict(list)
    for delivery in sent:
        ids_by_attempt[delivery.attempt].append(delivery.message.task_id)
    for attempt, ids in ids_by_attempt.items():
        Job.objects.filter(id__in=ids, attempt=attempt - 1).update(published_at=timezone.now())


class Publisher:
    """Takes deliveries from any thread and sends them in batches from its own."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._pending = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def send(self, delivery: Delivery) -> None:
        with self._changed:
            self._pending += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="jobs-publisher", daemon=True
                )
                self._thread.start()
        self._waiting.put(delivery)

    def flush(self, timeout: float = FLUSH_SECONDS) -> bool:
        """Wait until all that was handed in was tried; False if ``timeout`` seconds passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending == 0, timeout)

    def _run(self) -> None:
        while True:
            try:
                first = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                connection.close()
                continue
            self._send_batch(first)

    def _send_batch(self, first: Delivery) -> None:
        batch = [first]
        while len(batch) < BATCH and not self._waiting.empty():
            batch.append(self._waiting.get())
        try:
            publish(batch)
        except Exception as error:  # noqa: BLE001  # whatever the broker or the database says, the sweep sends it
            log.warning("%d messages wait for the dispatcher: %s", len(batch), error)
            connection.close()
        finally:
            with self._changed:
                self._pending -= len(batch)
                self._changed.notify_all()


_publisher: Publisher | None = None
_publisher_lock = threading.Lock()


def publisher() -> Publisher:
    """The publisher of this process."""
    global _publisher  # noqa: PLW0603  # one per process, made anew after a fork
    if _publisher is None:
        with _publisher_lock:
            if _publisher is None:
                _publisher = Publisher()
    return _publisher


def _forget_publisher() -> None:
    """In a forked child the thread is gone and the queue belongs to the parent."""
    global _publisher, _publisher_lock
    _publisher, _publisher_lock = None, threading.Lock()


def _flush_at_exit() -> None:
    if _publisher is not None:
        _publisher.flush()


os.register_at_fork(after_in_child=_forget_publisher)
atexit.register(_flush_at_exit)
