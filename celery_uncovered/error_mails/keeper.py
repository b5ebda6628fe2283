"""Takes errors from any thread at once, and stores them from its own: one keeper for each process.

``note`` never waits for a database, and holds no lock over anything that could. While the database
is away the errors are counted by kind; each batch is stored exactly once, whatever a commit whose
answer was lost has done.
"""

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable

from django.apps import apps

from celery_uncovered.error_mails.desk import Desk
from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.quiet import quiet
from celery_uncovered.error_mails.tallies import Batch, Tallies

log = logging.getLogger(__name__)

#: The first error after a pause is stored at once; those that follow are gathered for so long.
GATHER_SECONDS = 1.0
#: How long the database's connection stays open when nothing comes.
IDLE_SECONDS = 5.0
#: Pauses between tries while the database is away.
SHORTEST, LONGEST = 0.1, 5.0
#: A round of mails that was submitted may be cancelled by somebody: it is submitted again after so long.
ANNOUNCED_SECONDS = 10.0
#: How long the end of a process waits for what is not stored yet.
FLUSH_SECONDS = 1.0


class Keeper:
    def __init__(self, desk: Desk | None = None) -> None:
        self.id = uuid.uuid4().hex
        self._desk = desk or Desk()
        self._tallies = Tallies()
        #: Its lock may be taken again by the thread that holds it: a signal's handler may log too.
        self._changed = threading.Condition(threading.RLock())
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_busy = False
        self._in_hand: Batch | None = None
        self._number = 0
        #: Something was stored, and its round of mails is not submitted yet.
        self._owes_round = False
        self._announced: tuple[int | None, float] = (None, 0.0)
        self._stored_at = 0.0

    # --- in any thread ------------------------------------------------------------------------------
    def note(self, kind: str, at: float, make: Callable[[], ErrorEvent]) -> None:
        """Count an error; ``make`` is called for the first of its kind. Raises nothing."""
        with self._changed:
            is_counted = self._tallies.count(kind, at)
            if is_counted:
                self._wake()
        if is_counted:
            return
        try:
            event = make()
        except Exception:  # noqa: BLE001  # an error that cannot even be written down is one all the same
            self.note_unreadable(at)
            return
        with self._changed:
            self._tallies.begin(event, at)
            self._wake()

    def note_unreadable(self, at: float) -> None:
        with self._changed:
            self._tallies.count_other(at)
            self._wake()

    def flush(self, timeout: float = FLUSH_SECONDS) -> int:
        """Wait until all is stored, or time runs out; how many errors are left."""
        with self._changed:
            if self._thread is not None:
                self._hurry.set()
                self._changed.notify_all()
                self._changed.wait_for(self._is_done, timeout)
            in_hand = self._in_hand.tallies if self._in_hand else []
            return self._tallies.total + sum(tally.count for tally in in_hand)

    def _wake(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="error-mails", daemon=True)
            # A process that ends may start no thread any more; then the errors are counted only.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread
        elif not self._is_busy:
            self._changed.notify_all()

    def _has_work(self) -> bool:
        return bool(len(self._tallies) or self._in_hand or self._owes_round)

    def _is_done(self) -> bool:
        return not (self._has_work() or self._is_busy)

    # --- in the keeper's own thread -----------------------------------------------------------------
    def _run(self) -> None:
        with quiet():
            # An error of the start-up itself waits here until there are models.
            apps.ready_event.wait()
            failures = 0
            while True:
                self._await_work()
                try:
                    self._work()
                    failures = 0
                except Exception as error:  # noqa: BLE001  # whatever the database says, the batch waits
                    failures += 1
                    self._desk.leave()
                    if failures == 1:
                        log.warning("Errors wait to be stored: %s", error)
                    self._hurry.wait(min(LONGEST, SHORTEST * 2**failures))

    def _await_work(self) -> None:
        if not self._wait(IDLE_SECONDS):
            self._desk.leave()
            self._wait(None)
        pause = self._stored_at + GATHER_SECONDS - time.monotonic()
        if pause > 0 and self._in_hand is None:
            self._hurry.wait(pause)
        self._hurry.clear()

    def _wait(self, timeout: float | None) -> bool:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            self._is_busy = self._changed.wait_for(self._has_work, timeout)
            return self._is_busy

    def _work(self) -> None:
        batch = self._next_batch()
        with self._desk.use():
            if batch is not None:
                self._desk.store(batch)
                self._note_stored(batch)
            # After the commit: a round that is under way has seen it, or is another one.
            self._announce()
        self._owes_round = False

    def _next_batch(self) -> Batch | None:
        """The one that was not stored for sure, with its own number; else a new one."""
        with self._changed:
            if self._in_hand is None and len(self._tallies):
                self._number += 1
                self._in_hand = Batch(
                    keeper=self.id, number=self._number, tallies=self._tallies.take()
                )
            return self._in_hand

    def _note_stored(self, batch: Batch) -> None:
        with self._changed:
            self._in_hand, self._owes_round = None, True
            self._tallies.note_described(tally.kind for tally in batch.tallies if tally.event)
        self._stored_at = time.monotonic()

    def _announce(self) -> None:
        number, at = self._announced
        now = time.monotonic()
        known = number if now < at + ANNOUNCED_SECONDS else None
        announced = self._desk.announce(known)
        if announced != known:
            self._announced = (announced, now)
        if number not in {announced, None}:
            # A round is over: what comes from now on is told by its own words.
            with self._changed:
                self._tallies.want_events()


_keeper: Keeper | None = None
_keeper_lock = threading.Lock()


def keeper() -> Keeper:
    """The keeper of this process."""
    global _keeper  # noqa: PLW0603  # one per process, made anew after a fork
    if _keeper is None:
        with _keeper_lock:
            if _keeper is None:
                _keeper = Keeper()
    return _keeper


def flush_at_exit(**_: object) -> None:
    left = _keeper.flush() if _keeper is not None else 0
    if left:
        # Not by logging: its handlers may be closed already.
        what = "1 error" if left == 1 else f"{left} errors"
        sys.stderr.write(f"{what} could not be stored before the process ended.\n")


def _forget_keeper() -> None:
    """In a forked child: thread, connection and what they have in hand are the parent's."""
    global _keeper, _keeper_lock
    _keeper, _keeper_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_keeper)
atexit.register(flush_at_exit)
