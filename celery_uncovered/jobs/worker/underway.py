"""The batches that the children of a prefork worker have in hand."""

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from billiard.exceptions import WorkerLostError
from django.db import connection

from celery_uncovered.jobs.finished import Finished
from celery_uncovered.jobs.node import is_gone
from celery_uncovered.jobs.worker import lost
from celery_uncovered.jobs.worker.acks import Acks
from celery_uncovered.jobs.worker.active import ActiveBatch
from celery_uncovered.jobs.worker.batch import perform_batch
from celery_uncovered.jobs.worker.board import Board, Notice
from celery_uncovered.jobs.worker.held import Held

log = logging.getLogger(__name__)

#: A job that runs longer does not keep the rest of its batch, if another child has time; and not if
#: none has after the second of these: what waits may be cancelled, or go to another worker.
COMPANY_SECONDS, LONG_SECONDS = 0.02, 0.1
#: Pauses between tries to recover a lost batch while the database is away.
RECOVERY_SECONDS = 1.0
#: The pool's own limits are for a whole batch; each job's limit is watched here.
FAR = 10.0**7

#: The hard and the soft limit of a job in seconds, None for none.
Limits = tuple[float | None, float | None]


class Sender(Protocol):
    """Who sends batches, and hears what became of them."""

    def take_back(self, held: Sequence[Held]) -> None:
        """Jobs that their child will not run: they wait again, before all others."""

    def learn(self, held: Sequence[Held], seconds: Sequence[float]) -> None:
        """A batch has ended; what each of its first jobs took, 0 for one that was not to be run."""

    def dispatch(self) -> None:
        """A child may have time."""


@dataclass(kw_only=True)
class Sent:
    """A batch on its way. The first ``acked`` messages are acknowledged; from ``end`` on they are back."""

    slot: int
    held: list[Held]
    end: int
    limits: list[float | None]
    acked: int = 0
    #: Which job was ended for its hard limit.
    overdue: int | None = None
    lost: bool = False
    #: Its job was ended because the worker ends.
    stopped: bool = False
    tried_at: float = 0.0
    active: ActiveBatch | None = None


class Underway:
    """Sends, looks after, acknowledges and recovers; everything happens in the worker's event loop."""

    def __init__(self, consumer: Any, board: Board, sender: Sender) -> None:
        self._consumer, self._board, self._sender = consumer, board, sender
        self._sent: list[Sent] = []

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to look after."""
        return not self._sent and not self._acks().are_waiting

    @property
    def unacked(self) -> int:
        """How many messages wait to be acknowledged."""
        return sum(one.end - one.acked for one in self._sent)

    def send(self, batch: list[Held], limits: Sequence[Limits]) -> None:
        sent = Sent(
            slot=self._board.take_slot(len(batch)),
            held=batch,
            end=len(batch),
            limits=[hard for hard, _ in limits],
        )
        entries = [
            held.entry(self._consumer.hostname, soft)
            for held, (_, soft) in zip(batch, limits, strict=True)
        ]
        sent.active = ActiveBatch(
            sent.held, lambda: self._board.read(sent.slot), lambda: self._stop(sent)
        )
        self._sent.append(sent)
        self._consumer.pool.apply_async(
            perform_batch,
            args=(sent.slot, entries),
            callback=lambda seconds: self._on_done(sent, seconds),
            error_callback=lambda error, *_, **__: self._on_lost(sent, error),
            soft_timeout=FAR,
            timeout=FAR,
        )

    def _stop(self, sent: Sent) -> None:
        """End the job that runs: the worker cannot wait for it. Called from a signal's handler."""
        notice = self._board.read(sent.slot)
        if notice.is_running:
            sent.stopped = True
            self._consumer.pool.terminate_job(notice.pid, signal.SIGKILL)

    def look(self, *, has_free_child: Callable[[], bool]) -> None:
        """Look after the batches once."""
        for sent in tuple(self._sent):
            if sent not in self._sent:
                # Lost with another one's child: the pool has told of both.
                continue
            if not sent.lost:
                self._look_at(sent, has_free_child=has_free_child)
            elif time.monotonic() - sent.tried_at > RECOVERY_SECONDS:
                self._recover(sent)
        if (acks := self._acks()).is_due:
            acks.flush()

    def all_run_since(self, moment: float) -> bool:
        """Whether each batch has a job that runs, and began before this moment."""
        notices = [self._board.read(sent.slot) for sent in self._sent]
        return all(notice.is_running and notice.begun_at < moment for notice in notices)

    # --- back from the children -----------------------------------------------------------------------
    def _on_done(self, sent: Sent, seconds: list[float]) -> None:
        self._note_progress(sent)
        self._ack(sent, sent.end)
        self._close(sent)
        self._sender.learn(sent.held, seconds)
        self._sender.dispatch()

    def _on_lost(self, sent: Sent, error: Any) -> None:
        if not sent.stopped:
            log.warning("A batch of %d jobs was lost: %s", sent.end, error)
        sent.lost = True
        if not isinstance(getattr(error.exception, "exc", error.exception), WorkerLostError):
            for held in sent.held:
                held.must_go_alone = True
        self._recover(sent)

    def _recover(self, sent: Sent) -> None:
        """Recover a lost batch; it stays on the list, and its child known, until that is done."""
        sent.tried_at = time.monotonic()
        entries = [held.id_and_attempt for held in sent.held]
        notice = self._board.read(sent.slot)
        try:
            if notice.pid:
                limit = None
                if sent.overdue is not None and notice.begun == sent.overdue:
                    limit = sent.limits[sent.overdue]
                lost.recover_batch(
                    entries,
                    notice,
                    results=[
                        one
                        for line in self._board.spooled(sent.slot)
                        if (one := Finished.of_line(line))
                    ],
                    worker=self._consumer.hostname,
                    limit=limit,
                    is_stopped=sent.stopped,
                )
        except Exception as problem:  # noqa: BLE001  # the database is away: the next tick tries again
            log.warning("A lost batch waits for its recovery: %s", problem)
            return
        finally:
            connection.close()
        # What is acknowledged is nobody's any more: it was not to be run.
        first_free = max(sent.acked, 0 if notice.begun is None else notice.begun + 1)
        self._take_back(sent, min(first_free, sent.end))
        self._ack(sent, sent.end)
        self._close(sent)
        self._sender.dispatch()

    def _close(self, sent: Sent) -> None:
        self._sent.remove(sent)
        if sent.active is not None:
            sent.active.leave()
        self._board.free_slot(sent.slot)

    def _take_back(self, sent: Sent, first: int) -> None:
        self._sender.take_back(sent.held[first : sent.end])
        sent.end = first

    def _ack(self, sent: Sent, count: int) -> None:
        if count > sent.acked:
            acks = self._acks()
            acks.settle(held.message for held in sent.held[sent.acked : count])
            sent.acked = count
            if self._board.is_stopping:
                acks.flush()

    def _acks(self) -> Acks:
        """A project's own consumer has none that go together."""
        acks: Acks | None = getattr(self._consumer, "acks", None)
        return acks or Acks(self._consumer.connection_errors)

    # --- while they run -------------------------------------------------------------------------------
    def _note_progress(self, sent: Sent) -> Notice:
        """Take back what its child gave back, and acknowledge what is durable."""
        notice = self._board.read(sent.slot)
        if notice.kept < sent.end:
            self._take_back(sent, notice.kept)
        self._ack(sent, min(notice.durable, sent.end))
        return notice

    def _look_at(self, sent: Sent, *, has_free_child: Callable[[], bool]) -> None:
        notice = self._note_progress(sent)
        if notice.begun is None:
            return
        lasts = time.monotonic() - notice.begun_at
        if lasts > COMPANY_SECONDS and is_gone(notice.pid):
            # The pool would notice with its next round only, seconds later.
            self._consumer.pool.maintain_pool()
            return
        if not notice.is_running:
            return
        company = COMPANY_SECONDS if has_free_child() else LONG_SECONDS
        if lasts > company and notice.begun + 1 < sent.end:
            self._board.recall(sent.slot)
        limit = sent.limits[notice.begun]
        if limit is not None and lasts > limit and sent.overdue is None:
            sent.overdue = notice.begun
            _kill(notice.pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        log.info("Process %d has ended by itself", pid)
