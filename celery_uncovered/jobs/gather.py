"""Messages on their way from the broker to the children of a prefork worker.

Messages of small jobs are gathered and sent to a child as one batch; the others go alone, as Celery
sends them. A batch is as large as what came in while all children were busy: one job on an idle
worker does not wait for company. Messages that cannot be started soon go back to the broker, so
that another worker may take them.
"""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import signals
from celery.worker import state as worker_state
from django.db import connection

from celery_uncovered.jobs import recovery
from celery_uncovered.jobs.acks import Acks
from celery_uncovered.jobs.batch import Entry, perform_batch
from celery_uncovered.jobs.board import Board
from celery_uncovered.jobs.durations import SMALL, Durations
from celery_uncovered.jobs.finished import Finished
from celery_uncovered.jobs.flow import Flow
from celery_uncovered.jobs.messages import ATTEMPT_HEADER, BODY_HEADER
from celery_uncovered.jobs.node import is_gone

log = logging.getLogger(__name__)

#: The largest batch, and how long it should take to run, in seconds.
MOST = 100
BATCH_SECONDS = 0.02
#: What a job costs beside its own time.
OVERHEAD = 0.0002
#: How often batches on their way are looked at.
TICK_SECONDS = 0.01
#: A job that runs longer does not keep the rest of its batch, if another child has time; and not if
#: none has after the second of these: what waits may be cancelled, or go to another worker.
COMPANY_SECONDS, LONG_SECONDS = 0.02, 0.1
#: When the jobs of all children have run for so long, what waits goes back to the broker.
PATIENCE_SECONDS = 0.1
#: Pauses between tries to recover a lost batch while the database is away.
RECOVERY_SECONDS = 1.0
DEFAULT_REQUEST = "celery.worker.request:Request"
#: The pool's own limits are for a whole batch; each job's limit is watched here.
FAR = 10.0**7


@dataclass(kw_only=True, slots=True)
class Held:
    """A message that was received and not sent to a child. ``alone`` sends it as Celery does."""

    message: Any
    task: Any
    alone: Callable[[], None]
    #: Its batch could not be run; by itself it may, or say why.
    must_go_alone: bool = False


@dataclass(kw_only=True)
class Sent:
    """A batch on its way. The first ``acked`` messages are acknowledged; from ``end`` on they are back."""

    slot: int
    held: list[Held]
    end: int
    limits: list[float | None]
    acked: int = 0
    overdue: float | None = None
    lost: bool = False
    tried_at: float = field(default=0.0)


class Gatherer:
    """One for each consumer; everything happens in the worker's event loop."""

    def __init__(self, consumer: Any, board: Board) -> None:
        self.consumer, self.board = consumer, board
        self.durations = Durations()
        self.flow = Flow(consumer)
        self._waiting: deque[Held] = deque()
        self._sent: list[Sent] = []
        self._is_due = self._is_ticking = False
        #: The most messages that were here at once, since more were asked for last.
        self._most_held = 0
        #: When the jobs that went alone were sent to the pool.
        self._alone: dict[str, float] = {}
        self._options = consumer.pool.options
        self._is_recycling = bool(
            self._options.get("maxtasksperchild") or self._options.get("max_memory_per_child")
        )

    # --- from the broker ----------------------------------------------------------------------------
    def take(self, message: Any, task: Any, alone: Callable[[], None]) -> None:
        self._waiting.append(Held(message=message, task=task, alone=alone))
        if not self._is_due:
            self._dispatch_soon()

    def forget(self) -> None:
        """The connection is new: what was received on the old one comes again."""
        self._waiting.clear()
        # What was to be called soon may have gone with the connection's part of the loop.
        self._is_due = self._is_ticking = False
        self.flow.reset()

    # --- to the children ----------------------------------------------------------------------------
    def _dispatch_soon(self) -> None:
        """After what can be read now has been read, so that a burst makes one batch."""
        self._is_due = True
        self.consumer.hub.call_soon(self.dispatch)

    def dispatch(self) -> None:
        self._is_due = False
        unacked = len(self._waiting) + sum(one.end - one.acked for one in self._sent)
        self._most_held = max(self._most_held, unacked)
        while self._waiting and (free := self._free_children()) > 0:
            if self._goes_in_a_batch(self._waiting[0]):
                self._send(self._cut(free))
            else:
                self._send_alone(self._waiting.popleft())
        if not self._waiting and self._free_children() > 0:
            self.flow.resume()
        self._tick_later()

    def _send_alone(self, held: Held) -> None:
        try:
            held.alone()
        except Exception:
            # Dead for the broker; the ledger still has the job, and sends it again.
            log.exception("A message could not be taken")
            held.message.reject_log_error(log, self.consumer.connection_errors)

    def _free_children(self) -> int:
        pool = self.consumer.pool
        return int(pool.num_processes) - len(pool._pool._cache)  # noqa: SLF001  # what it has in hand

    def _goes_in_a_batch(self, held: Held) -> bool:
        return _is_plain(held) and (
            self._has_odd_limits(held)
            or (
                self.durations.is_small(held.task.name)
                and not signals.task_received.receivers
                and not self._sends_events()
            )
        )

    def _has_odd_limits(self, held: Held) -> bool:
        """A hard limit below the soft one: Celery's pool would wait for the soft one first."""
        hard, soft = self._limits(held)
        return bool(hard and soft and hard <= soft)

    def _expected(self, held: Held) -> float:
        """What a job adds to its batch, in seconds; those that must have none beside them fill it."""
        seconds = self.durations.expected(held.task.name)
        if seconds is None or self._is_recycling or self._has_odd_limits(held):
            return BATCH_SECONDS
        return seconds + OVERHEAD

    def _sends_events(self) -> bool:
        """Whether somebody listens to each task (``worker -E``); then Celery tells them."""
        events = self.consumer.event_dispatcher
        return bool(events and events.enabled and (not events.groups or "task" in events.groups))

    def _cut(self, free: int) -> list[Held]:
        """The next batch: a fair share of what waits, as much as runs in BATCH_SECONDS."""
        share = min(MOST, -(-len(self._waiting) // free))
        batch: list[Held] = []
        budget = BATCH_SECONDS
        while len(batch) < share and self._waiting and budget > 0:
            first = self._waiting[0]
            budget -= self._expected(first)
            if not self._goes_in_a_batch(first) or (batch and budget < 0):
                break
            batch.append(self._waiting.popleft())
        return batch

    def _send(self, batch: list[Held]) -> None:
        limits = [self._limits(held) for held in batch]
        sent = Sent(
            slot=self.board.take_slot(len(batch)),
            held=batch,
            end=len(batch),
            limits=[hard for hard, _ in limits],
        )
        entries = [
            _entry(held, self.consumer.hostname, soft)
            for held, (_, soft) in zip(batch, limits, strict=True)
        ]
        self._sent.append(sent)
        self.consumer.pool.apply_async(
            perform_batch,
            args=(sent.slot, entries),
            callback=lambda seconds: self._on_done(sent, seconds),
            error_callback=lambda error, *_, **__: self._on_lost(sent, error),
            soft_timeout=FAR,
            timeout=FAR,
        )

    def _limits(self, held: Held) -> tuple[float | None, float | None]:
        """The hard and the soft limit in seconds: the message's, the task's, or the worker's."""
        hard, soft = held.message.headers.get("timelimit") or (None, None)
        hard = hard or held.task.time_limit or self._options.get("timeout")
        soft = soft or held.task.soft_time_limit or self._options.get("soft_timeout")
        return hard, soft

    # --- back from the children -----------------------------------------------------------------------
    def _on_done(self, sent: Sent, seconds: list[float]) -> None:
        self._look_at(sent)
        self._ack(sent, sent.end)
        for held, took in zip(sent.held, seconds, strict=False):
            # Nothing was taken by one that was not to be run.
            if took:
                self.durations.learn(held.task.name, took)
        self._close(sent)
        if max(seconds, default=SMALL) < SMALL:
            # Only who has shown to be quick asks for more: what it holds no other worker can take.
            self.flow.adapt(self._most_held)
            self._most_held = 0

    def _on_lost(self, sent: Sent, error: Any) -> None:
        log.warning("A batch of %d jobs was lost: %s", sent.end, error)
        sent.lost = True
        if not isinstance(getattr(error.exception, "exc", error.exception), WorkerLostError):
            for held in sent.held:
                held.must_go_alone = True
        self._recover(sent)

    def _recover(self, sent: Sent) -> None:
        """Recover a lost batch; it stays on the list, and its child known, until that is done."""
        sent.tried_at = time.monotonic()
        entries = [_id_and_attempt(held) for held in sent.held]
        notice = self.board.read(sent.slot)
        try:
            if notice.pid:
                recovery.recover_batch(
                    entries,
                    notice,
                    results=[
                        one
                        for line in self.board.spooled(sent.slot)
                        if (one := Finished.of_line(line))
                    ],
                    worker=self.consumer.hostname,
                    limit=sent.overdue,
                )
        except Exception as problem:  # noqa: BLE001  # the database is away: the next tick tries again
            log.warning("A lost batch waits for its recovery: %s", problem)
            self._tick_later()
            return
        finally:
            connection.close()
        first_free = 0 if notice.begun is None else notice.begun + 1
        self._take_back(sent, min(first_free, sent.end))
        self._ack(sent, sent.end)
        self._close(sent)

    def _close(self, sent: Sent) -> None:
        self._sent.remove(sent)
        self.board.free_slot(sent.slot)
        self.dispatch()

    def _take_back(self, sent: Sent, first: int) -> None:
        """Jobs that their child will not run: they wait again, before all others."""
        self._waiting.extendleft(reversed(sent.held[first : sent.end]))
        sent.end = first

    def _ack(self, sent: Sent, count: int) -> None:
        if count > sent.acked:
            acks = self._acks()
            acks.settle(held.message for held in sent.held[sent.acked : count])
            sent.acked = count
            if self.board.is_stopping:
                acks.flush()

    def _acks(self) -> Acks:
        """A project's own consumer has none that go together."""
        acks: Acks | None = getattr(self.consumer, "acks", None)
        return acks or Acks(self.consumer.connection_errors)

    # --- while they run -------------------------------------------------------------------------------
    def _tick_later(self) -> None:
        if not self._is_ticking and (self._sent or self._waiting or self._acks().are_waiting):
            self._is_ticking = True
            self.consumer.hub.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._is_ticking = False
        now = time.monotonic()
        for sent in tuple(self._sent):
            if sent not in self._sent:
                # Lost with another one's child: the pool has told of both.
                continue
            if not sent.lost:
                self._look_at(sent)
            elif now - sent.tried_at > RECOVERY_SECONDS:
                self._recover(sent)
        if (acks := self._acks()).is_due:
            acks.flush()
        self.dispatch()
        if self._waiting and self._all_busy_since(now - PATIENCE_SECONDS):
            self._hand_back()

    def _all_busy_since(self, moment: float) -> bool:
        """Whether every child works on a job that it began before this moment."""
        if self._free_children() > 0 or any(at >= moment for at in self._alone.values()):
            return False
        notices = [self.board.read(sent.slot) for sent in self._sent]
        return all(notice.is_running and notice.begun_at < moment for notice in notices)

    def _look_at(self, sent: Sent) -> None:
        notice = self.board.read(sent.slot)
        if notice.kept < sent.end:
            self._take_back(sent, notice.kept)
        self._ack(sent, min(notice.durable, sent.end))
        if notice.begun is None:
            return
        lasts = time.monotonic() - notice.begun_at
        if lasts > COMPANY_SECONDS and is_gone(notice.pid):
            # The pool would notice with its next round only, seconds later.
            self.consumer.pool.maintain_pool()
            return
        if not notice.is_running:
            return
        company = COMPANY_SECONDS if self._free_children() > 0 else LONG_SECONDS
        if lasts > company and notice.begun + 1 < sent.end:
            self.board.recall(sent.slot)
        limit = sent.limits[notice.begun]
        if limit is not None and lasts > limit and sent.overdue is None:
            sent.overdue = limit
            _kill(notice.pid)

    def _hand_back(self) -> None:
        """Nobody here takes them soon: the broker gives them to a worker that has time."""
        self.flow.pause()
        while self._waiting:
            message = self._waiting.popleft().message
            message.reject_log_error(log, self.consumer.connection_errors, requeue=True)

    def on_sent_alone(self, task_id: str) -> None:
        self._alone[task_id] = time.monotonic()

    def on_done_alone(self, task: str, task_id: str, seconds: float | None) -> None:
        """A job that went alone has ended, after so many seconds if it succeeded."""
        self._alone.pop(task_id, None)
        if seconds is not None:
            self.durations.learn(task, seconds)
        self.dispatch()


def _is_plain(held: Held) -> bool:
    """Whether nothing about the message asks for Celery's own way of sending it to a child."""
    task, headers = held.task, held.message.headers
    return (
        not held.must_go_alone
        # One that was lost or retried goes alone: it may take its company with it.
        and headers.get(ATTEMPT_HEADER) == 1
        and BODY_HEADER not in headers
        and held.message.content_type == "application/json"
        and headers["id"] not in worker_state.revoked
        and bool(task.acks_late)
        and not task.rate_limit
        and task.Request == DEFAULT_REQUEST
    )


def _entry(held: Held, hostname: str, soft_limit: float | None) -> Entry:
    message, headers = held.message, held.message.headers
    properties, delivery = message.properties, message.delivery_info or {}
    request = headers | {
        "properties": properties,
        "reply_to": properties.get("reply_to"),
        "correlation_id": properties.get("correlation_id"),
        "hostname": hostname,
        "delivery_info": {
            "exchange": delivery.get("exchange"),
            "routing_key": delivery.get("routing_key"),
            "priority": properties.get("priority"),
            "redelivered": delivery.get("redelivered", False),
        },
    }
    body = message.body
    return Entry(
        task=held.task.name,
        task_id=headers["id"],
        attempt=headers[ATTEMPT_HEADER],
        request=request,
        body=body if isinstance(body, str) else bytes(body).decode(),
        soft_limit=soft_limit,
    )


def _id_and_attempt(held: Held) -> tuple[str, int]:
    return held.message.headers["id"], held.message.headers[ATTEMPT_HEADER]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        log.info("Process %d has ended by itself", pid)
