"""The peers of the comparisons of runs: DBOS on PostgreSQL and SQLite, taskflow on SQLite."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers_environment import PYTHON, ROOT
from benchmarks.record import Samples
from benchmarks.report_project import new_folder
from benchmarks.steps_project import ALONE, MANY
from benchmarks.wire import Proxy
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import Process, wait_for

DEADLINE = 300.0
WARM_UP = (5, 10)


@dataclass(frozen=True, kw_only=True)
class Peer:
    """``sizes``: runs and steps, alone and many."""

    name: str
    title: str
    module: str
    on_postgres: bool
    sizes: tuple[tuple[int, int], tuple[int, int]] = (ALONE, MANY)
    recovers: bool = True


DBOS = Peer(name="dbos", title="DBOS, PostgreSQL", module="steps_dbos", on_postgres=True)
DBOS_LITE = Peer(name="dbos_sqlite", title="DBOS, SQLite", module="steps_dbos", on_postgres=False)
TASKFLOW = Peer(
    name="taskflow",
    title="taskflow, SQLite",
    module="steps_taskflow",
    on_postgres=False,
    sizes=((1, 100), (5, 10)),
    recovers=False,
)
PEERS = (DBOS, DBOS_LITE, TASKFLOW)


class Running:
    """A peer on a fresh database, in one process."""

    def __init__(self, peer: Peer, env: dict[str, str], folder: Path) -> None:
        self.peer, self.env, self.folder = peer, env, folder
        self.notes = Path(env["PEER_NOTES"])
        self.process = self.start()

    def start(self) -> Process:
        """Returns when it is ready."""
        process = Process(
            self.peer.name,
            [PYTHON, "-m", "benchmarks.peers.runs_client", self.peer.module],
            env=self.env,
            log=self.folder / "peer.log",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.process = process
        if self.answer() != "ready":
            raise RuntimeError(process.tail())
        return process

    def ask(self, function: str, *arguments: Any) -> Any:
        if self.process.popen.stdin is None:
            raise RuntimeError(self.peer.name)
        self.process.popen.stdin.write(json.dumps([function, *arguments]).encode() + b"\n")
        self.process.popen.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        stdout = self.process.popen.stdout
        line = stdout.readline() if stdout else b""
        if not line:
            raise RuntimeError(self.process.tail())
        return json.loads(line)

    def rate(self, runs: int, steps: int) -> float:
        return runs * steps / float(self.ask("run", runs, steps))

    def begun(self) -> int:
        return len(self.notes.read_text().splitlines()) if self.notes.exists() else 0

    def wait_for_begun(self, count: int) -> None:
        what = f"the step began {count} times"
        wait_for(
            lambda: self.begun() == count,
            DEADLINE,
            what=what,
            details=self.process.tail,
            pause=0.002,
        )


@contextlib.contextmanager
def running(peer: Peer, *, counting: bool = False) -> Iterator[tuple[Running, Proxy | None]]:
    """``counting``: by way of a proxy, on PostgreSQL."""
    folder = new_folder(peer.name)
    postgres = PostgreSQL.shared() if peer.on_postgres else None
    database = postgres.new_database() if postgres else ""
    url = postgres.url(database) if postgres else f"sqlite:///{folder}/peer.sqlite3"
    url = url.replace("postgres://", "postgresql://")
    proxy = Proxy(url) if counting else None
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PEER_DATABASE_URL": proxy.url if proxy else url,
        "PEER_NOTES": str(folder / "notes"),
    }
    found = Running(peer, env, folder)
    try:
        yield found, proxy
    finally:
        found.process.signal(signal.SIGKILL)
        found.process.end()
        if proxy:
            proxy.close()
        if postgres:
            postgres.drop_database(database)


def turn(peer: Peer, samples: int) -> Samples:
    alone, many = peer.sizes
    with running(peer) as (one, _):
        one.rate(*WARM_UP)
        taken: Samples = {"alone": [], "many": []}
        for _ in range(samples):
            taken["alone"].append(one.rate(*alone))
            taken["many"].append(one.rate(*many))
        taken["each"] = [1e6 / rate for rate in taken["many"]]
        taken["whole"] = taken["many"]
        if peer.recovers:
            taken["back"] = [seconds_to_be_back(one)]
    return taken | (counted(peer) if peer.on_postgres else {})


def seconds_to_be_back(one: Running) -> float:
    """The process is killed in the last step of a run of many, and started again at once."""
    one.ask("start_holding", ALONE[1])
    one.wait_for_begun(1)
    began = time.monotonic()
    one.process.kill()
    one.start()
    one.wait_for_begun(2)
    return time.monotonic() - began


@functools.cache
def counted(peer: Peer) -> Samples:
    """Round trips and transactions of one step, all that the process does counted."""
    with running(peer, counting=True) as (one, proxy):
        if proxy is None:
            raise RuntimeError(peer.name)
        one.rate(*WARM_UP)
        taken: Samples = {}
        for key, (runs, steps) in zip(("alone", "many"), peer.sizes, strict=True):
            before = proxy.counts()
            one.rate(runs, steps)
            counts, total = proxy.counts() - before, runs * steps
            taken[f"trips_{key}"] = [counts.round_trips / total]
            taken[f"commits_{key}"] = [counts.transactions / total]
        return taken
