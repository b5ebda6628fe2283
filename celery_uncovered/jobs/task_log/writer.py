"""When lines go to the ledger: within a second, and before the end of their job is recorded.

A thread writes what is pending, on a connection of its own: an error in a transaction that rolls back
leaves its lines. Who ends an attempt does not wait for that thread's next look.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import close_old_connections, connection

from celery_uncovered.jobs.current import RunningAttempt, running_attempt
from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.patience import patiently, will_pass
from celery_uncovered.jobs.task_log import store
from celery_uncovered.jobs.task_log.pending import AttemptLog, Bounds, Key

log = logging.getLogger(__name__)

#: Seconds between two looks of the thread.
PAUSE = 1.0


class Writer:
    """The logs of this process's attempts whose lines go to the ledger.

    ``stores`` False: they go nowhere, and are only joined here.
    """

    def __init__(self, *, stores: bool = True) -> None:
        self._stores = stores
        self._logs: dict[Key, AttemptLog] = {}
        self._lock = threading.Lock()
        #: One at a time, so that lines come in order, and all are there when an attempt's end is recorded.
        self._writing = threading.Lock()
        self._is_needed = threading.Event()
        self._thread: threading.Thread | None = None

    # --- who logs ----------------------------------------------------------------------------------
    def add(self, attempt: RunningAttempt, lines: Sequence[str]) -> None:
        while not self.log_of(attempt).add(lines):
            pass  # it was closed just now, and is found no more

    def log_of(self, attempt: RunningAttempt) -> AttemptLog:
        found = self._logs.get((attempt.task_id, attempt.number))
        return found or self._begin(attempt)

    def known(self, keys: Iterable[Key]) -> list[AttemptLog]:
        """The logs among these that were begun: most jobs log nothing."""
        return [found for key in keys if (found := self._logs.get(key))] if self._logs else []

    def _begin(self, attempt: RunningAttempt) -> AttemptLog:
        new = AttemptLog(attempt, Bounds.of(settings.JOBS_LOG_MAX_BYTES))
        with self._lock:
            found = self._logs.setdefault(new.key, new)
            attempt.has_log = True
            if self._stores and self._thread is None:
                self._thread = self._started()
            self._is_needed.set()
        return found

    def _started(self) -> threading.Thread | None:
        thread = threading.Thread(target=self._run, name="jobs-log", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the process is about to end, or has too many already
            return None
        return thread

    # --- writing -----------------------------------------------------------------------------------
    def end(self, logs: Sequence[AttemptLog]) -> None:
        """Write what is pending of logs that get nothing more; waits for a database that is away.

        Within a transaction, whose rollback would take the lines, they are left to the thread.
        """
        for one in logs:
            one.has_ended = True
        if connection.in_atomic_block:
            return
        with self._writing:
            self._write(logs, waits=True)
            self._forget_ended()

    def write_all(self) -> None:
        """Write what is pending of all, or keep it where the database is away."""
        with self._writing:
            with self._lock:
                logs = list(self._logs.values())
            self._write(logs, waits=False)
            self._forget_ended()

    def _write(self, logs: Sequence[AttemptLog], *, waits: bool) -> None:
        taken = [(one, lines) for one in logs if (lines := one.take())]
        if taken and self._stores and settings.JOBS_LOG_MAX_BYTES:
            self._store(taken, waits=waits)

    def _store(self, taken: Sequence[store.Taken], *, waits: bool) -> None:
        what = f"The new lines of {len(taken)} logs"
        try:
            if waits:
                patiently(lambda: store.write(taken), what)
            else:
                store.write(taken)
        except Exception as error:
            if will_pass(error) or isinstance(error, SoftTimeLimitExceeded):
                log.warning("%s wait for the database: %s", what, error)
                connection.close()
                for one, lines in taken:
                    one.give_back(lines)
            elif len(taken) == 1:
                log.exception("The new lines of job %s cannot be stored", taken[0][0].key[0])
            else:
                # One of them is refused, and must not take the others with it.
                for one_taken in taken:
                    self._store([one_taken], waits=waits)

    def _forget_ended(self) -> None:
        with self._lock:
            for one in [one for one in self._logs.values() if one.close()]:
                del self._logs[one.key]
            if not self._logs:
                self._is_needed.clear()

    # --- the thread --------------------------------------------------------------------------------
    def _run(self) -> None:
        while self._is_needed.wait():
            time.sleep(PAUSE)
            try:
                with no_fork():
                    close_old_connections()
                    self.write_all()
            except Exception:
                log.exception("What jobs logged could not be stored")
            if not self._is_needed.is_set():
                connection.close()


_writer = Writer()


def writer() -> Writer:
    return _writer


def _begin_anew() -> None:
    """In a child: threads and locks are its parent's, and so is the attempt in which a task forks."""
    global _writer  # noqa: PLW0603  # one for each process
    _writer = Writer(stores=running_attempt() is None)


os.register_at_fork(after_in_child=_begin_anew)
