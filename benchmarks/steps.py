"""Durable steps: how many one process records in a second, at what cost, and how soon after a crash."""

import contextlib
import functools
from collections.abc import Iterator, Mapping

from benchmarks import steps_peers, steps_project
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.steps_peers import DBOS, TASKFLOW
from benchmarks.steps_project import ALONE, LONG, MANY, PLATEAU, SLOW_RUNS, SLOW_SECONDS
from tests.stacks import EMBEDDED, SERVERS


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {
        SERVERS: functools.partial(steps_project.turn, SERVERS, samples),
        EMBEDDED: functools.partial(steps_project.turn, EMBEDDED, samples),
        **{
            peer.name: functools.partial(steps_peers.turn, peer, samples)
            for peer in steps_peers.PEERS
        },
    }


def size(runs: int, steps: int) -> str:
    return f"{runs:,} run{'s' * (runs > 1)} of {steps:,} steps"


COMPARISON = Comparison(
    name="steps",
    question=f"""
Durable runs whose steps add two numbers: steps per second whose outcome is committed, with fsync on,
before the next one of their run begins. *Alone* is {size(*ALONE)}, *many* {size(*MANY)},
*plateau* {size(*PLATEAU)}. This project's are advanced by a worker with one process, from the claim of
the first run to the recorded end of the last one; *with starting* counts from before the client's
`start_many`, so with the message through RabbitMQ. A DBOS process starts its runs one by one while it
advances them, which is within its time. taskflow runs {size(*TASKFLOW.sizes[0])} and
{size(*TASKFLOW.sizes[1])}, one after the other.

*Commits* are the database's own: rows of a key and a word inserted one by one through the driver alone,
each with its commit, before and after each run alone; *share* is what of them the run alone comes to. *Round
trips* and *transactions* of a step are counted once by a proxy between the process and PostgreSQL, in runs of
their own, with all else that the process asks (claims, ends, leases, queues, looks for cancelled runs);
transactions that only read are counted.

*Back*: a run has recorded {ALONE[1]} steps and is in its last one when all processes of the worker are killed and
started again at once; until that step begins again. *Child*: the worker's child alone is killed.
*Replay*: processor time in which a run of {LONG:,} steps is loaded and replayed. *Slow*: {SLOW_RUNS} runs with a step
that asks the database, sleeps {SLOW_SECONDS:g} s and asks again; with the threads and connections that the process has more
than before, when it had one connection for its records.
""",
    sides=(
        Side(name=SERVERS, title="this project, PostgreSQL (and RabbitMQ)"),
        Side(name=EMBEDDED, title="this project, SQLite (embedded)"),
        *(Side(name=peer.name, title=peer.title, is_peer=True) for peer in steps_peers.PEERS),
    ),
    figures=(
        Figure(name="each", title="many, µs a step", digits=1),
        Figure(name="many", title="many, steps/s", digits=0),
        Figure(name="whole", title="many with starting, steps/s", digits=0),
        Figure(name="plateau", title="plateau, steps/s", digits=0),
        Figure(name="alone", title="alone, steps/s", digits=0),
        Figure(name="commits", title="commits/s", digits=0),
        Figure(name="share", title="share, %", digits=0),
        Figure(name="trips_alone", title="round trips a step, alone", digits=2),
        Figure(name="commits_alone", title="transactions a step, alone", digits=2),
        Figure(name="trips_many", title="round trips a step, many", digits=3),
        Figure(name="commits_many", title="transactions a step, many", digits=3),
        Figure(name="back", title="back, s", digits=2),
        Figure(name="child", title="child, s", digits=2),
        Figure(name="replayed", title="replay, ms", digits=1),
        Figure(name="slow", title="slow, s", digits=2),
        Figure(name="slow_threads", title="slow, threads", digits=0),
        Figure(name="slow_connections", title="slow, connections", digits=0),
    ),
    headline="each",
    goals=(
        Goal(
            text="plateau on PostgreSQL at least 25,000 steps/s in one process (median)",
            side=SERVERS,
            figure="plateau",
            bound=25_000,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="many on PostgreSQL at least 25,000 steps/s in one process (median)",
            side=SERVERS,
            figure="many",
            bound=25_000,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="many with starting at least 50 times DBOS on PostgreSQL (medians)",
            side=SERVERS,
            figure="whole",
            bound=50,
            kind="times the peer's at least",
            peer=DBOS.name,
            digits=1,
        ),
        Goal(
            text="many at least 50 times DBOS on PostgreSQL (medians)",
            side=SERVERS,
            figure="many",
            bound=50,
            kind="times the peer's at least",
            peer=DBOS.name,
            digits=1,
        ),
        Goal(
            text="alone at least 80 % of PostgreSQL's own commits/s (median)",
            side=SERVERS,
            figure="share",
            bound=80,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="alone at least 80 % of SQLite's own commits/s (median)",
            side=EMBEDDED,
            figure="share",
            bound=80,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text=f"{LONG:,} steps replayed within 50 ms of processor time (median)",
            side=SERVERS,
            figure="replayed",
            bound=50,
            kind="median at most",
            digits=1,
        ),
        Goal(
            text=f"{SLOW_RUNS} blocking steps within 5 s (median)",
            side=SERVERS,
            figure="slow",
            bound=5,
            kind="median at most",
            digits=2,
        ),
        Goal(
            text="by at most 40 threads (median)",
            side=SERVERS,
            figure="slow_threads",
            bound=40,
            kind="median at most",
            digits=0,
        ),
        Goal(
            text="by at most 40 connections (median)",
            side=SERVERS,
            figure="slow_connections",
            bound=40,
            kind="median at most",
            digits=0,
        ),
    ),
    samples=2,
    open=opened,
)
