"""A worker that is told to end begins nothing new, from that moment on."""

import os
import signal
import threading
from typing import Any

from celery import signals

from celery_uncovered.jobs.worker import board

#: Set in the worker's main process, for pools of threads; children read the board.
_told = threading.Event()


def is_stopping() -> bool:
    """Whether the worker that this code runs in is about to end."""
    return _told.is_set() or (board.has_board() and board.worker_board().is_stopping)


def connect() -> None:
    signals.worker_shutting_down.connect(_begin_nothing_new, dispatch_uid="jobs-stopping")
    signals.worker_ready.connect(_listen, dispatch_uid="jobs-stopping")


def _begin_nothing_new(**_: object) -> None:
    """The children go on with the jobs that they have begun, and give the others back."""
    _told.set()
    if board.has_board():
        board.worker_board().stop()


def _listen(**_: object) -> None:
    """Celery tells of a cold shutdown only when the time is over that jobs have left."""
    # Celery's own variable, for those that can send no other signal.
    is_remapped = os.environ.get("REMAP_SIGTERM") == "SIGQUIT"
    for number in [signal.SIGQUIT, *([signal.SIGTERM] if is_remapped else [])]:
        _before(number, signal.getsignal(number))


def _before(number: signal.Signals, handle: Any) -> None:
    def stop(given: int, frame: Any) -> None:
        _begin_nothing_new()
        handle(given, frame)

    # A worker within another process, as tests run one, has no such handlers.
    if callable(handle):
        signal.signal(number, stop)
