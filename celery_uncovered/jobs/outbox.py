"""Sending committed jobs to the broker: one publisher thread per process.

The row is safe once it is committed, so nobody waits for the broker. What the thread could not
send, or what a crash took with it, stays ``published_at IS NULL`` and the dispatcher sends it.
"""

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence

from celery.signals import worker_process_shutdown
from django.db import connection, transaction

from celery_uncovered.jobs.errors import NotAllSentError
from celery_uncovered.jobs.messages import DUE_HEADER, Delivery, Message, decode
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.published import Notes, note_published
from celery_uncovered.jobs.sender import forget_senders, most_ahead, own_sender

log = logging.getLogger(__name__)

BATCH = 200
#: How many messages may wait in this process; what comes on top is the dispatcher's.
BACKLOG = 40_000
#: How long a message may wait here: well below the dispatcher's grace, so that not both send it.
PATIENCE_SECONDS = 1.2
IDLE_SECONDS = 1.0
#: While messages come faster than they are sent one by one, they are gathered for so long.
GATHER_SECONDS = 0.01
#: How long the end of a process waits for what it still has to send; the sweep covers the rest.
FLUSH_SECONDS = 1.0


def send_after_commit(message: Message, *, attempt: int) -> None:
    """Have ``message`` sent once the surrounding transaction, if any, has committed."""
    send_all_after_commit([Delivery(message=message, attempt=attempt)])


def send_all_after_commit(deliveries: Sequence[Delivery]) -> None:
    # The commit counts: a process that can start no thread any more leaves it to the dispatcher.
    transaction.on_commit(lambda: publisher().send(deliveries), robust=True)


def room_for_many() -> int:
    """How many messages of a large submission its process sends; the rest is the dispatcher's."""
    most = most_ahead()
    return BACKLOG // 2 if most is None else most // 10


def send_job_after_commit(task_id: str) -> None:
    """Have the next message of a QUEUED job sent once the surrounding transaction has committed."""
    send_jobs_after_commit([task_id])


def send_jobs_after_commit(task_ids: list[str]) -> None:
    """As ``send_job_after_commit``, for many: their rows are read in one statement."""

    def send() -> None:
        for job in Job.objects.filter(id__in=task_ids, published_at=None).iterator():
            publisher().send([delivery_of(job)])

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


def publish(deliveries: list[Delivery]) -> list[Delivery]:
    """Send ``deliveries`` now and note it on their rows; those that the broker has taken.

    A message that cannot be sent holds up no other: it is logged and stays unpublished. Raises
    NotAllSentError where there is no connection; what was sent is noted all the same.
    """
    try:
        taken = send(deliveries)
    except NotAllSentError as error:
        note_published(error.taken)
        raise
    note_published(taken)
    return taken


def send(deliveries: list[Delivery]) -> list[Delivery]:
    """Send from this thread's connection, without a note; as ``Sender.send``."""
    return own_sender().send(deliveries)


class Publisher:
    """Takes deliveries from any thread and sends them in batches from its own.

    What it does not come to in time it leaves to the dispatcher.
    """

    def __init__(self) -> None:
        #: Deliveries, and the moments on the monotonic clock until which they may wait.
        self._waiting: deque[tuple[float, Delivery]] = deque()
        self._notes = Notes()
        self._changed = threading.Condition()
        self._is_busy = False
        #: More came while the last batch was sent.
        self._is_hurried = False
        self._flushing = 0
        self._thread: threading.Thread | None = None

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Take what there is room for; never waits."""
        with self._changed:
            until, room = time.monotonic() + PATIENCE_SECONDS, BACKLOG - len(self._waiting)
            self._waiting.extend((until, delivery) for delivery in deliveries[: max(0, room)])
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="jobs-publisher", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float = FLUSH_SECONDS) -> bool:
        """Wait until all that was handed in was tried and noted; False if time ran out first."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._is_done, timeout)
            finally:
                self._flushing -= 1

    def _is_done(self) -> bool:
        return not (self._waiting or self._is_busy or len(self._notes))

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            try:
                self._act(batch)
            except Exception as error:  # noqa: BLE001  # whatever the broker or the database says, the sweep sends it
                log.warning("%d messages wait for the dispatcher: %s", len(batch), error)
                connection.close()
            finally:
                with self._changed:
                    self._is_busy = False
                    self._is_hurried = 0 < len(self._waiting) < BATCH
                    self._changed.notify_all()

    def _next_batch(self) -> list[Delivery]:
        """What waits, up to BATCH; none when it is time for the notes, or to look around."""
        with self._changed:
            while not self._waiting and not self._notes_are_due():
                left = self._notes.seconds_left()
                if not self._changed.wait(IDLE_SECONDS if left is None else left) and left is None:
                    break
            self._is_busy = True
            if self._notes_are_due():
                return []
        if self._is_hurried:
            # Not by the condition: each new message would wake this thread.
            time.sleep(GATHER_SECONDS)
        with self._changed:
            while self._waiting and self._waiting[0][0] < time.monotonic():
                self._waiting.popleft()
            return [self._waiting.popleft()[1] for _ in range(min(BATCH, len(self._waiting)))]

    def _notes_are_due(self) -> bool:
        is_hurried = self._flushing and not self._waiting and len(self._notes)
        return bool(is_hurried) or self._notes.seconds_left() == 0

    def _act(self, batch: list[Delivery]) -> None:
        if batch:
            self._send(batch)
        elif len(self._notes):
            self._notes.write()
        else:
            own_sender().look()
            connection.close()

    def _send(self, batch: list[Delivery]) -> None:
        try:
            self._notes.add(send(batch))
        except NotAllSentError as error:
            self._notes.add(error.taken)
            # The broker is away: what waits here would wait in vain, and without end.
            with self._changed:
                batch += (delivery for _, delivery in self._waiting)
                self._waiting.clear()
            raise


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
    """In a forked child the thread is gone, and the queue and the connection are the parent's."""
    global _publisher, _publisher_lock
    _publisher, _publisher_lock = None, threading.Lock()
    forget_senders()


def _flush_at_exit(**_: object) -> None:
    if _publisher is not None:
        _publisher.flush()


os.register_at_fork(after_in_child=_forget_publisher)
atexit.register(_flush_at_exit)
# A worker's child ends without what Python does at its end.
worker_process_shutdown.connect(_flush_at_exit, weak=False)
