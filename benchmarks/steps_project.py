"""The project's turn in the comparison of steps: one worker process advances runs."""

import contextlib
import functools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import jobs_project, processes
from benchmarks.jobs_project import Running
from benchmarks.jobs_turn import DEADLINE
from benchmarks.record import Samples
from benchmarks.wire import Proxy
from tests.servers.processes import wait_for
from tests.stacks import SERVERS

#: Runs, and steps of each.
ALONE, MANY, PLATEAU = (1, 500), (200, 10), (200, 100)
#: Steps of the run that is replayed, and how often.
LONG, REPLAYS = 1_000, 20
#: Runs whose step blocks, and for how many seconds.
SLOW_RUNS, SLOW_SECONDS = 200, 1.0
COMMITS = 1_000
#: Runs and steps before anything is measured: connections open, and steps are known to be quick.
WARM_UP = (20, 20)
IS_OVER = """
SELECT NOT EXISTS (SELECT 1 FROM workflows_run WHERE state = 'RUNNING')
    AND NOT EXISTS (SELECT 1 FROM workflows_run WHERE state = 'READY')
    AND NOT EXISTS (SELECT 1 FROM workflows_run WHERE state = 'WAITING') AS looked
"""
SPAN = """
SELECT min(started_at), max(finished_at), count(*) FROM workflows_run
WHERE id >= %s AND state = 'SUCCESS'
"""


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds from the claim of the first run to the end of the last, and from before they were started."""

    worker: float
    end_to_end: float


def turn(name: str, samples: int) -> Samples:
    with jobs_project.running(name) as one:
        worker = one.start_worker(concurrency=1)
        run(one, *WARM_UP)
        run(one, 1, LONG)
        taken = rates(one, samples)
        taken["replayed"] = [one.stack.call(client("replayed"), LONG, REPLAYS)]
        taken |= slow(one, worker)
        taken |= back(one, worker)
    return taken | (counted(name) if name == SERVERS else {})


def client(function: str) -> str:
    return f"benchmarks.steps_client:{function}"


def rates(one: Running, samples: int) -> Samples:
    taken: Samples = {
        "commits": [],
        "alone": [],
        "share": [],
        "many": [],
        "whole": [],
        "plateau": [],
    }
    for _ in range(samples):
        before = one.stack.call(client("commits"), COMMITS)
        alone = ALONE[1] / run(one, *ALONE).worker
        commits = (before + one.stack.call(client("commits"), COMMITS)) / 2
        many, plateau = run(one, *MANY), run(one, *PLATEAU)
        taken["commits"].append(commits)
        taken["alone"].append(alone)
        taken["share"].append(100 * alone / commits)
        taken["many"].append(MANY[0] * MANY[1] / many.worker)
        taken["whole"].append(MANY[0] * MANY[1] / many.end_to_end)
        taken["plateau"].append(PLATEAU[0] * PLATEAU[1] / plateau.worker)
    taken["each"] = [1e6 / rate for rate in taken["many"]]
    return taken


def run(one: Running, runs: int, steps: int) -> Took:
    began = time.time()
    first = one.stack.call(client("start"), runs, steps, timeout=DEADLINE)
    one.ledger.moment_of(IS_OVER, DEADLINE)
    return span(one, first, runs, began)


def span(one: Running, first: str, runs: int, began: float) -> Took:
    ((started, ended, count),) = one.stack.query(SPAN, [first])
    if count != runs:
        raise RuntimeError(one.stack.logs())
    return Took(worker=moment(ended) - moment(started), end_to_end=moment(ended) - began)


def moment(value: Any) -> float:
    """Seconds since 1970 of a moment, which SQLite gives as a text in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return float((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


# --- steps that block ------------------------------------------------------------------------------------
def slow(one: Running, worker: int) -> Samples:
    """With the most threads, and connections to the database, that its process had more than before."""
    (child,) = processes.tree(worker)[1:]
    before, began = (processes.threads(child), connections_of(one, child)), time.time()
    first = one.stack.call(client("start_slow"), SLOW_RUNS, SLOW_SECONDS)
    threads, connections = 0, 0
    while not one.ledger.ask(IS_OVER):
        threads = max(threads, processes.threads(child) - before[0])
        connections = max(connections, connections_of(one, child) - before[1])
        time.sleep(0.05)
    took = span(one, first, SLOW_RUNS, began)
    taken = {"slow": [took.worker], "slow_threads": [float(threads)]}
    return taken | ({"slow_connections": [float(connections)]} if one.stack.postgres else {})


def connections_of(one: Running, child: int) -> int:
    return processes.connections(child, one.stack.postgres.port) if one.stack.postgres else 0


# --- after a crash ---------------------------------------------------------------------------------------
def back(one: Running, worker: int) -> Samples:
    """A run of many steps is in its last one when its process is killed: the child alone, then everything."""
    taken = {"child": [seconds_to_be_back(one, "child", processes.tree(worker)[1:])]}
    gate = "all"
    hold(one, gate)
    began = time.monotonic()
    for pid in processes.tree(worker):
        os.kill(pid, signal.SIGKILL)
    one.start_worker(concurrency=1)
    taken["back"] = [wait_for_second(one, gate) - began]
    return taken


def seconds_to_be_back(one: Running, gate: str, pids: list[int]) -> float:
    hold(one, gate)
    began = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return wait_for_second(one, gate) - began


def hold(one: Running, gate: str) -> None:
    one.stack.call(client("start_holding"), ALONE[1], gate)
    wait_for(lambda: begun(one, gate) == 1, DEADLINE, what=gate, details=one.stack.logs, pause=0.01)


def wait_for_second(one: Running, gate: str) -> float:
    """``time.monotonic()`` when the step began again; the run is let go."""
    wait_for(
        lambda: begun(one, gate) == 2, DEADLINE, what=gate, details=one.stack.logs, pause=0.002
    )
    moment = time.monotonic()
    Path(one.stack.env["DATA_DIR"], gate).touch()
    one.ledger.moment_of(IS_OVER, DEADLINE)
    return moment


def begun(one: Running, gate: str) -> int:
    path = Path(one.stack.env["DATA_DIR"], "notes")
    return path.read_text().splitlines().count(f"{gate} begins") if path.exists() else 0


# --- what passes between worker and database -------------------------------------------------------------
@functools.cache
def counted(name: str) -> Samples:
    """Round trips and transactions of one step, all of the worker's counted, with a worker of its own."""
    with jobs_project.running(name) as one, proxied(one) as proxy:
        run(one, *WARM_UP)
        taken: Samples = {}
        for key, (runs, steps) in {"alone": ALONE, "many": MANY}.items():
            before = proxy.counts()
            run(one, runs, steps)
            counts, total = proxy.counts() - before, runs * steps
            taken[f"trips_{key}"] = [counts.round_trips / total]
            taken[f"commits_{key}"] = [counts.transactions / total]
        return taken


@contextlib.contextmanager
def proxied(one: Running) -> Iterator[Proxy]:
    """A worker that talks to the database by way of a proxy."""
    url = one.stack.env["DATABASE_URL"]
    proxy = Proxy(url)
    try:
        one.stack.env["DATABASE_URL"] = proxy.url
        one.start_worker(concurrency=1)
        one.stack.env["DATABASE_URL"] = url
        yield proxy
    finally:
        one.stack.env["DATABASE_URL"] = url
        proxy.close()
