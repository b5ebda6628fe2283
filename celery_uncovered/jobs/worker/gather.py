"""Messages on their way from the broker to the children of a prefork worker.

Messages of small jobs are gathered and sent to a child as one batch; the others go alone, as Celery
sends them. A batch is as large as what came in while all children were busy: one job on an idle
worker does not wait for company. Messages that cannot be started soon go back to the broker, so
that another worker may take them.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from celery import signals

from celery_uncovered.jobs.worker.board import Board
from celery_uncovered.jobs.worker.durations import SMALL, Durations
from celery_uncovered.jobs.worker.flow import Flow
from celery_uncovered.jobs.worker.held import Held
from celery_uncovered.jobs.worker.underway import Limits, Underway

log = logging.getLogger(__name__)

#: The largest batch, and how long it should take to run, in seconds.
MOST = 100
BATCH_SECONDS = 0.02
#: What a job costs beside its own time.
OVERHEAD = 0.0002
#: How often batches on their way are looked at.
TICK_SECONDS = 0.01
#: When the jobs of all children have run for so long, what waits goes back to the broker.
PATIENCE_SECONDS = 0.1


class Gatherer:
    """One for each consumer; everything happens in the worker's event loop."""

    def __init__(self, consumer: Any, board: Board) -> None:
        self.consumer, self._board = consumer, board
        self.durations = Durations()
        self.flow = Flow(consumer)
        self._waiting: deque[Held] = deque()
        self._underway = Underway(consumer, board, self)
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
        if self._is_over():
            return
        unacked = len(self._waiting) + self._underway.unacked
        self._most_held = max(self._most_held, unacked)
        is_stopping = self._board.is_stopping
        while self._waiting and not is_stopping and (free := self._free_children()) > 0:
            if self._goes_in_a_batch(self._waiting[0]):
                batch = self._cut(free)
                self._underway.send(batch, [self._limits(held) for held in batch])
            else:
                self._send_alone(self._waiting.popleft())
        if not self._waiting and not is_stopping and self._free_children() > 0:
            self.flow.resume()
        self._tick_later()

    def _send_alone(self, held: Held) -> None:
        try:
            held.alone()
        except Exception:
            # Dead for the broker; the ledger still has the job, and sends it again.
            log.exception("A message could not be taken")
            held.message.reject_log_error(log, self.consumer.connection_errors)

    def _is_over(self) -> bool:
        """Whether the pool has ended, which is before the loop is closed: the broker has what waits."""
        return self.consumer.pool._pool is None  # noqa: SLF001

    def _free_children(self) -> int:
        pool = self.consumer.pool
        return int(pool.num_processes) - len(pool._pool._cache)  # noqa: SLF001  # what it has in hand

    def _goes_in_a_batch(self, held: Held) -> bool:
        return held.is_plain() and (
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

    def _limits(self, held: Held) -> Limits:
        """The hard and the soft limit in seconds: the message's, the task's, or the worker's."""
        hard, soft = held.message.headers.get("timelimit") or (None, None)
        hard = hard or held.task.time_limit or self._options.get("timeout")
        soft = soft or held.task.soft_time_limit or self._options.get("soft_timeout")
        return hard, soft

    # --- while they run -------------------------------------------------------------------------------
    def take_back(self, held: Sequence[Held]) -> None:
        """Jobs that their child will not run: they wait again, before all others."""
        self._waiting.extendleft(reversed(held))

    def learn(self, held: Sequence[Held], seconds: Sequence[float]) -> None:
        """What the jobs of a batch took, 0 for one that was not to be run."""
        for one, took in zip(held, seconds, strict=False):
            if took:
                self.durations.learn(one.task.name, took)
        if max(seconds, default=SMALL) < SMALL and not self._board.is_stopping:
            # Only who has shown to be quick asks for more: what it holds no other worker can take.
            self.flow.adapt(self._most_held)
            self._most_held = 0

    def _tick_later(self) -> None:
        if not self._is_ticking and (self._waiting or not self._underway.is_idle):
            self._is_ticking = True
            self.consumer.hub.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._is_ticking = False
        if self._is_over():
            return
        self._underway.look(has_free_child=lambda: self._free_children() > 0)
        self.dispatch()
        since = time.monotonic() - PATIENCE_SECONDS
        if self._waiting and (self._board.is_stopping or self._all_busy_since(since)):
            self._hand_back()

    def _all_busy_since(self, moment: float) -> bool:
        """Whether every child works on a job that it began before this moment."""
        if self._free_children() > 0 or any(at >= moment for at in self._alone.values()):
            return False
        return self._underway.all_run_since(moment)

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
