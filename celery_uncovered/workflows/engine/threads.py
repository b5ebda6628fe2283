"""Threads for steps that are not known to be quick, at most LIMIT of them in a process.

Each has its own database connection, as threads have in Django; it is closed when the thread has
been idle for a while.
"""

import threading
import time
from collections.abc import Callable
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Any

from django.db import close_old_connections, connections

#: Threads, and so connections, that steps of one process have at most.
LIMIT = 40
IDLE_SECONDS = 10.0

#: What a thread is given: who asked, the context to run in, and the function.
Work = tuple[Any, Context, Callable[[], Any]]
#: Who asked, value, error, seconds.
Done = tuple[Any, Any, BaseException | None, float]


class StepThreads:
    """What has been done is told by ``hear``."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._done: SimpleQueue[Done] = SimpleQueue()
        self._limit = limit
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0
        #: Those that wait for work, less the work that waits for them.
        self._free = 0

    def run(self, who: Any, context: Context, function: Callable[[], Any]) -> None:
        with self._lock:
            self._free -= 1
            has_to_start = self._free < 0 and self._count < self._limit
            if has_to_start:
                self._count += 1
                self._free += 1
        self._work.put((who, context, function))
        if has_to_start:
            threading.Thread(target=self._live, name="workflow-step", daemon=True).start()

    def hear(self, *, block: bool, timeout: float) -> Done:
        """What has been done next. Raises queue.Empty."""
        return self._done.get(block=block, timeout=timeout)

    def _live(self) -> None:
        try:
            while True:
                try:
                    work = self._work.get(timeout=IDLE_SECONDS)
                except Empty:
                    with self._lock:
                        if self._free > 0:
                            self._free -= 1
                            self._count -= 1
                            return
                    continue
                if work is None:
                    return
                self._done.put(perform(*work))
                with self._lock:
                    self._free += 1
        finally:
            connections.close_all()

    def close(self) -> None:
        """Let idle threads end now; those that work end with it."""
        for _ in range(self._count):
            self._work.put(None)


def perform(who: Any, context: Context, function: Callable[[], Any]) -> Done:
    started = time.perf_counter()
    value: Any = None
    error: BaseException | None = None
    try:
        close_old_connections()
        value = context.run(function)
    except BaseException as raised:  # noqa: BLE001  # it is raised again in the run
        error = raised
    return who, value, error, time.perf_counter() - started
