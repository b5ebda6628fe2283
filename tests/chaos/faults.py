"""What is done to a run: one method for each kind of fault. All are real: SIGKILL, a lock, a crash."""

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from tests.chaos.fleet import Fleet
from tests.stacks import Stack
from tests.support.outages import sqlite_locked

#: How long a foreign write lock is held, in seconds.
LOCKED = (0.5, 3.0)


@dataclass(kw_only=True)
class Faults:
    """``kills`` counts what was done, by kind; servers come back in threads of their own."""

    stack: Stack
    fleet: Fleet
    dice: Random
    kills: Counter[str] = field(default_factory=Counter)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    repairs: dict[str, Future[None]] = field(default_factory=dict)

    def strike(self, kind: str) -> bool:
        """Do it; False if there is nothing to strike at the moment: it is down already."""
        name = getattr(self, f"strike_{kind}")()
        if name:
            self.kills[name] += 1
        return bool(name)

    # --- processes -------------------------------------------------------------------------------
    def strike_worker(self) -> str:
        """A child in the middle of a job, or the main process of one; none while nobody works."""
        targets = self.fleet.at_work()
        if not targets:
            return ""
        worker, child = self.dice.choice(targets)
        # In turns.
        if self.kills["worker's child"] <= self.kills["worker"]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            return "worker's child"
        worker.kill()
        return "worker"

    def strike_dispatcher(self) -> str:
        return self.kill_one("dispatcher")

    def strike_beat(self) -> str:
        return self.kill_one("beat")

    def kill_one(self, kind: str) -> str:
        for process in self.fleet.of(kind):
            process.kill()
            return kind
        return ""

    # --- broker ----------------------------------------------------------------------------------
    def strike_broker(self) -> str:
        if self.stack.rabbitmq:
            return self.in_background("RabbitMQ", self.stack.rabbitmq.restart)
        return self.kill_all_at_once()

    def kill_all_at_once(self) -> str:
        """The embedded broker is a folder: what can die are those who use it, with what they hold."""
        for process in self.fleet.processes.values():
            process.signal(signal.SIGKILL)
        for process in self.fleet.processes.values():
            process.wait()
        return "everything at once"

    # --- database --------------------------------------------------------------------------------
    def strike_database(self) -> str:
        if self.stack.postgres:
            return self.in_background("PostgreSQL", self.crash_postgres)
        seconds = self.dice.uniform(*LOCKED)
        return self.in_background("SQLite locked", lambda: self.lock_sqlite(seconds))

    def crash_postgres(self) -> None:
        """Kill it, or have it stop at once: both end in recovery from its log."""
        server = self.stack.postgres
        assert server
        if self.dice.random() < 0.5:
            server.kill()
        else:
            process = server.started()
            process.signal(signal.SIGQUIT)
            process.wait()
            process.end()
        server.start()

    def lock_sqlite(self, seconds: float) -> None:
        """SQLite has no server to kill: somebody else holds the write lock."""
        with sqlite_locked(self.stack):
            time.sleep(seconds)

    # --- coming back -----------------------------------------------------------------------------
    def in_background(self, name: str, act: Callable[[], None]) -> str:
        running = self.repairs.get(name)
        if running is not None:
            if not running.done():
                return ""
            running.result()
        self.repairs[name] = self.pool.submit(act)
        return name

    def end(self) -> None:
        """Return when everything is back; raises what went wrong on the way."""
        self.pool.shutdown()
        for repair in self.repairs.values():
            repair.result()
