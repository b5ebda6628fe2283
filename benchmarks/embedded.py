"""What everything on one machine costs while nothing happens, and how soon a job starts then."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

from benchmarks import processes
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.record import Samples
from benchmarks.report_project import new_folder
from tests.acceptance.up import Up
from tests.servers.ports import reserve_port
from tests.servers.processes import environment
from tests.servers.session import ROOT
from tests.stacks import EMBEDDED

#: Seconds after the start, and of the look.
SETTLE, LOOK = 30.0, 60.0
#: What one processor gives.
PERCENT = 100
CLIENT = "benchmarks.embedded_client"


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {EMBEDDED: functools.partial(turn, samples)}


def turn(samples: int) -> Samples:
    with running() as up:
        time.sleep(SETTLE)
        idle = percent_of_a_processor(up)
        return {
            "idle": [idle],
            "start": [1000 * seconds for seconds in starts(up, samples)],
            "memory": [processes.megabytes(up.processes())],
        }


@contextlib.contextmanager
def running() -> Iterator[Up]:
    up = Up(new_folder(EMBEDDED), reserve_port())
    try:
        yield up
    finally:
        os.killpg(up.process.pid, signal.SIGINT)
        up.process.wait(timeout=90)


def percent_of_a_processor(up: Up) -> float:
    pids = up.processes()
    before, began = processes.processor(pids), time.monotonic()
    time.sleep(LOOK)
    used = processes.processor(pids) - before
    return PERCENT * used.total / (time.monotonic() - began)


def starts(up: Up, samples: int) -> list[float]:
    """Seconds from each submission to its start, asked of a client with the environment of the rest."""
    web = environment(up.main_process("config.wsgi:application")).split(b"\0")
    pairs = (one.decode().partition("=") for one in web if one)
    done = subprocess.run(
        [sys.executable, "-m", CLIENT, str(samples)],
        cwd=ROOT,
        env={name: value for name, _, value in pairs},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[float] = json.loads(done.stdout)
    return found


COMPARISON = Comparison(
    name="embedded",
    question=f"""
All that `make up` starts, on SQLite and the embedded broker, {SETTLE:.0f} s after its link was printed: the processor
time of all processes within {LOOK:.0f} s in which nobody does anything, in percent of one core; then the time from
`submit` by a process of its own to the start of the job, one at a time; and the memory of all (PSS).
""",
    sides=(Side(name=EMBEDDED, title="this project, embedded"),),
    figures=(
        Figure(name="idle", title="% of a core, idle", digits=2),
        Figure(name="start", title="ms until a job starts", digits=1),
        Figure(name="memory", title="MB in all", digits=0),
    ),
    headline="start",
    goals=(
        Goal(
            text="less than 2 % of a core while nothing happens (median)",
            side=EMBEDDED,
            figure="idle",
            bound=2.0,
            kind="median at most",
            digits=2,
        ),
        Goal(
            text="a job starts within 50 ms (median)",
            side=EMBEDDED,
            figure="start",
            bound=50.0,
            kind="median at most",
            digits=1,
        ),
    ),
    samples=40,
    open=opened,
)
