"""Runs that wait: what a hundred thousand of them hold, and how fast ten thousand wake."""

import contextlib
import functools
import time
from collections.abc import Iterator, Mapping

from benchmarks import steps_peers, waiting_project
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.record import Samples
from benchmarks.steps_peers import DBOS
from benchmarks.waiting_project import DUE, held
from tests.stacks import EMBEDDED, SERVERS

RUNS = 100_000
#: DBOS's sleeping workflows, all due at once, and the seconds that they get to be started in.
PEER_RUNS, PEER_SECONDS = 2_000, 45.0


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {
        SERVERS: functools.partial(waiting_project.turn, SERVERS, samples),
        EMBEDDED: functools.partial(waiting_project.turn, EMBEDDED, samples),
        DBOS.name: peer_turn,
    }


def peer_turn() -> Samples:
    with steps_peers.running(DBOS) as (one, _):
        one.rate(*steps_peers.WARM_UP)
        roots = [one.process.pid]
        before, began = held(roots), time.monotonic()
        until = one.ask("park", PEER_RUNS, PEER_SECONDS)
        parking, after = time.monotonic() - began, held(roots)
        seconds = one.ask("wake", PEER_RUNS, until)
    return waiting_project.samples(PEER_RUNS, parking, before, after, PEER_RUNS, seconds)


COMPARISON = Comparison(
    name="waiting",
    question=f"""
{RUNS:,} runs are started that sleep for a day; a worker of two processes parks them. What the worker and
the dispatcher hold then is told beside what they held before. Then {DUE:,} of them are made due at one
moment, by a change of their waits' time; each records that it is awake, does a step and ends. *Awake* is
the time from that moment until the last of them has recorded that it is awake.

The peer is DBOS with {PEER_RUNS:,} asynchronous workflows, which is its thriftiest way to sleep, in one process: all are due
at one moment, and awake when a step after the sleep has run. With synchronous ones each would hold a thread.
""",
    sides=(
        Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),
        Side(name=EMBEDDED, title="this project, embedded"),
        Side(name=DBOS.name, title=DBOS.title, is_peer=True),
    ),
    figures=(
        Figure(name="each", title="µs a run awake", digits=0),
        Figure(name="rate", title="awake, runs/s", digits=0),
        Figure(name="due", title="due at once", digits=0),
        Figure(name="wake", title="awake, s", digits=2),
        Figure(name="parked", title="parked", digits=0),
        Figure(name="parking", title="started and parked, runs/s", digits=0),
        Figure(name="threads", title="threads", digits=0),
        Figure(name="more_threads", title="more than before", digits=0),
        Figure(name="processes", title="processes", digits=0),
        Figure(name="memory", title="MB", digits=0),
        Figure(name="more_memory", title="more than before, MB", digits=1),
    ),
    headline="each",
    goals=(
        Goal(
            text="awake at 2,000 runs/s or more on RabbitMQ and PostgreSQL (median)",
            side=SERVERS,
            figure="rate",
            bound=2_000,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="awake at 2,000 runs/s or more embedded (median)",
            side=EMBEDDED,
            figure="rate",
            bound=2_000,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="no more threads than before (median)",
            side=SERVERS,
            figure="more_threads",
            bound=0,
            kind="median at most",
            digits=0,
        ),
    ),
    samples=RUNS,
    open=opened,
)
