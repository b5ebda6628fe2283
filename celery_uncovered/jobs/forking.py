"""No database connection is open while a worker forks its children.

SQLite keeps its locks for each process: a child that inherits a connection with its locks finds
them held for ever, and "database is locked" is all it gets. https://www.sqlite.org/howtocorrupt.html
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections

from celery_uncovered.jobs import node

_lock = threading.RLock()


@contextmanager
def no_fork() -> Iterator[None]:
    """Use the database from a thread beside the one that forks; a fork waits for the end.

    The connection is closed then where it could harm a child.
    """
    with _lock:
        try:
            yield
        finally:
            if connection.vendor == "sqlite" and not connection.in_atomic_block:
                connection.close()


def _before_fork() -> None:
    _lock.acquire()
    if node.is_worker():
        for open_connection in connections.all(initialized_only=True):
            if not open_connection.in_atomic_block:
                open_connection.close()


def _after_fork_in_parent() -> None:
    _lock.release()


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603  # the parent's may be held by a thread that is not here
    _lock = threading.RLock()


def watch_forks() -> None:
    """Called once for each process, when the app is ready; children inherit it."""
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
