"""A batch in a worker's child: many jobs claimed at once, run one after the other, recorded together.

Each job is run by Celery's own tracer. Its success is kept until the batch ends, or until it has
waited for FLUSH_SECONDS; every other end is recorded at once. What has not begun is given back when
the main process recalls it: a job may take long, and another child have time for its company.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from celery import current_app
from celery.app.task import Context
from celery.exceptions import SoftTimeLimitExceeded
from django.db import close_old_connections, connection
from django.utils import timezone

from celery_uncovered.jobs import finished
from celery_uncovered.jobs import node as nodes
from celery_uncovered.jobs.current import RunningAttempt, running
from celery_uncovered.jobs.finished import Finished
from celery_uncovered.jobs.messages import ATTEMPT_HEADER, DUE_HEADER, decode, full_headers
from celery_uncovered.jobs.patience import patiently
from celery_uncovered.jobs.scope import SCOPE_HEADER
from celery_uncovered.jobs.sealing import SEALED_HEADER, holds_sealed
from celery_uncovered.jobs.task_log import recorder
from celery_uncovered.jobs.worker import claim, leftovers
from celery_uncovered.jobs.worker.board import Board, worker_board

log = logging.getLogger(__name__)

#: How long a success may wait for the others of its batch to be recorded with it.
FLUSH_SECONDS = 0.01
#: What Celery's request holds besides a message's own headers.
KNOWN = frozenset({*Context.__dict__, "lang", "task", "argsrepr", "kwargsrepr", "compression"})
#: How often the batch is looked after while it runs.
LOOK_SECONDS = 0.005


class Entry(NamedTuple):
    """A message of a batch. ``soft_limit`` is in seconds, None for none."""

    task: str
    task_id: str
    attempt: int
    request: dict[str, Any]
    body: str
    soft_limit: float | None


def perform_batch(slot: int, entries: Sequence[Entry]) -> list[float]:
    """Run the jobs of a batch; the seconds that each took, in their order, of those that were run.

    Raises nothing: every job that was begun is settled, or waits for its recovery.
    """
    # One that is too old or broken; Celery itself would close them all, around every task.
    close_old_connections()
    # No need to ask it whether it works: the claim waits for a database that does not.
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs lack it
    batch = Batch(worker_board(), slot, entries)
    batch.run()
    return batch.seconds


class Batch:
    """What is claimed, what runs, what is done and not yet recorded; two threads look at it."""

    def __init__(self, there: Board, slot: int, entries: Sequence[Entry]) -> None:
        self.board, self.slot, self.entries = there, slot, entries
        self.hostname = str(entries[0].request.get("hostname") or "")
        self.seconds: list[float] = []
        #: Jobs from this index on are not ours any more.
        self.end = len(entries)
        self.current: int | None = None
        self.began_at = 0.0
        self._done = 0
        self._warned: int | None = None
        self._has_returned = False
        self._finished: list[Finished] = []
        #: What is claimed and has not begun; a message that is here twice is claimed once.
        self._claimed: set[str] = set()
        self._lock = threading.Lock()
        self._recording = threading.Lock()

    # --- the jobs -----------------------------------------------------------------------------------
    def run(self) -> None:
        self.board.open(self.slot)
        self._claimed, started_at = self._claim()
        with looked_after(self):
            index = 0
            while self._is_to_begin() and self._begin(index):
                if self.current == index:
                    self._perform(self.entries[index], started_at)
                self._end(index)
                index += 1
        self.record()
        self.board.note_durable(self.slot, self.end)

    def _is_to_begin(self) -> bool:
        """False where the worker is about to end; what has not begun is given back then."""
        if not self.board.is_stopping:
            return True
        self.give_back()
        return False

    def _claim(self) -> tuple[set[str], datetime]:
        wanted = [(entry.task_id, entry.attempt) for entry in self.entries]
        claimed, started_at = claim.claim_many(wanted)
        return claimed, started_at

    def _begin(self, index: int) -> bool:
        """Tell the board which job begins; False when there is none, or none that is still ours.

        One that is not ours to run, since it was not free, does not become the current one.
        """
        with self._lock:
            if index >= self.end:
                return False
            task_id = self.entries[index].task_id
            if self._take(task_id):
                self.board.begin(self.slot, index)
                self.began_at = time.monotonic()
                self._has_returned = False
                self.current = index
            return True

    def _end(self, index: int) -> None:
        with self._lock:
            took = time.monotonic() - self.began_at if self.current == index else 0.0
            self.current = None
            self._done = index + 1
            self.board.end(self.slot, index)
        self.seconds.append(took)

    def _perform(self, entry: Entry, started_at: datetime) -> None:
        identity = nodes.worker_node()
        attempt = RunningAttempt(
            task_id=entry.task_id,
            number=entry.attempt,
            task=entry.task,
            started_at=started_at,
            node=identity.id,
            pid=os.getpid(),
            keep=self.keep,
            scope=entry.request.get(SCOPE_HEADER),
            is_sealed=holds_sealed(entry.body) or SEALED_HEADER in entry.request,
        )
        with running(attempt):
            leftovers.run_to_the_end(attempt, lambda: trace(entry))

    # --- what is done and not yet recorded ------------------------------------------------------------
    def keep(self, one: Finished) -> None:
        """Have a success recorded with the others; on the board it outlives this process."""
        # From here on its limit is met: no warning may come between us and the database.
        self._has_returned = True
        line = one.line()
        with self._lock:
            has_room = self.board.spool(self.slot, line)
            self._finished.append(one)
        if not has_room:
            self.record()

    def record(self) -> None:
        """Record what was kept. Nothing of it is lost: what cannot be recorded is brought back."""
        with self._recording:
            with self._lock:
                kept, self._finished = self._finished, []
                done = self._done
                self.board.turn_spool(self.slot)
            if kept:
                recorder.end_all((one.id, one.attempt) for one in kept)
                record_patiently(kept, self.hostname)
            self.board.clear_spool(self.slot)
            self.board.note_durable(self.slot, done)

    def look(self) -> None:
        """Look after the batch while a job runs: nothing waits for long because of it."""
        with self._lock:
            waiting = self._finished[0].finished_at if self._finished else None
            lasts = time.monotonic() - self.began_at if self.current is not None else 0.0
            soft = self.entries[self.current].soft_limit if self.current is not None else None
        if waiting and (timezone.now() - waiting).total_seconds() > FLUSH_SECONDS:
            self.record()
        if self.board.is_recalled(self.slot):
            self.give_back()
        if soft is not None and lasts > soft and self._warned != self.current:
            self._warned = self.current
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def give_back(self) -> None:
        """Give the jobs back that have not begun; the main process is told when they are free."""
        with self._lock:
            first = self._done if self.current is None else self.current + 1
            rest, self.end = self.entries[first : self.end], min(first, self.end)
            end = self.end
            # Another message of the job that runs, or has run, is none of a claim of its own.
            held = [(entry.task_id, entry.attempt) for entry in rest if self._take(entry.task_id)]
        if held:
            patiently(lambda: claim.unclaim_many(held), f"{len(held)} jobs that have not begun")
        if rest:
            self.board.note_kept(self.slot, end)

    def _take(self, task_id: str) -> bool:
        """Take a job off those that are claimed; False if it is not among them."""
        is_claimed = task_id in self._claimed
        self._claimed.discard(task_id)
        return is_claimed

    def is_overdue(self) -> bool:
        """Whether the job that runs has used up its soft limit."""
        index = self.current
        if index is None or self._has_returned:
            return False
        soft = self.entries[index].soft_limit
        return soft is not None and time.monotonic() - self.began_at > soft


_running: Batch | None = None
_active = threading.Event()
_looking = threading.Lock()


@contextmanager
def looked_after(batch: Batch) -> Iterator[None]:
    """Have the batch's ``look`` called every LOOK_SECONDS, from another thread."""
    global _running  # noqa: PLW0603  # one for each child, which runs one batch at a time
    _start_looking()
    _running = batch
    _active.set()
    try:
        yield
    finally:
        # What the thread has in hand, results or jobs to be given back, is done before we go on.
        with _looking:
            _running = None
            _active.clear()


@cache
def _start_looking() -> None:
    """Once for each child: the thread, and what its warning raises in the thread of the jobs."""
    previous: Any = signal.getsignal(signal.SIGUSR1)

    def on_soft_limit(number: int, frame: Any) -> None:
        if _running is None and callable(previous):
            previous(number, frame)
        elif _running is not None and _running.is_overdue():
            raise SoftTimeLimitExceeded

    signal.signal(signal.SIGUSR1, on_soft_limit)
    threading.Thread(target=_look_on, name="jobs-batch", daemon=True).start()


def _look_on() -> None:
    while _active.wait():
        time.sleep(LOOK_SECONDS)
        with _looking:
            try:
                if _running is not None:
                    _running.look()
            except Exception:
                log.exception("A batch could not be looked after")
        if not _active.is_set():
            connection.close()


def trace(entry: Entry) -> Any:
    """Run one job through Celery's tracer; what Celery's own ``fast_trace_task`` returns."""
    args, kwargs, embed = decode(entry.body)
    request = full_headers(entry.request) | {
        "args": args,
        "kwargs": kwargs,
        "is_eager": False,
        "eta": entry.request.get(DUE_HEADER),
        ATTEMPT_HEADER: entry.attempt,
    }
    request.update(embed or {})
    if request.get("headers") is None:
        # Celery finds them by copying the request and taking off what is no header, for each job.
        request["headers"] = {name: request[name] for name in request.keys() - KNOWN}
    result, info, runtime, shown = current_app.tasks[entry.task].__trace__(
        entry.task_id, args, kwargs, request
    )
    return (1, result, runtime) if info else (0, shown, runtime)


def record_patiently(kept: Sequence[Finished], worker: str) -> None:
    try:
        patiently(lambda: finished.record(kept, worker=worker), f"{len(kept)} results")
    except Exception as error:  # noqa: BLE001  # whatever the database says of one of them
        if len(kept) == 1:
            leftovers.bring_back(kept[0].id, kept[0].attempt, error)
            return
        # One of them cannot be stored, and must not take the others with it.
        for one in kept:
            record_patiently([one], worker)
