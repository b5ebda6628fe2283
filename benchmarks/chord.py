"""Chords of many parts: how long they take, and how that grows with the parts."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping

from benchmarks import jobs_peers, jobs_project
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.jobs_turn import DEADLINE
from benchmarks.record import Samples
from tests.stacks import EMBEDDED, SERVERS

PEER = jobs_peers.PEERS[0]
#: Parts.
SOME, MORE, MOST = 100, 1_000, 10_000
#: Parts of the first chord of a turn, which does not count.
WARM_UP = 50
#: Seconds: a peer's chord that would take longer, or does, is left out.
TOO_LONG = 180.0
RUN = "benchmarks.chord_client:seconds"


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {
        SERVERS: functools.partial(project_turn, SERVERS, samples, (SOME, MORE, MOST)),
        EMBEDDED: functools.partial(project_turn, EMBEDDED, samples, (SOME, MORE)),
        PEER.name: functools.partial(peer_turn, samples),
    }


def project_turn(name: str, samples: int, sizes: tuple[int, ...]) -> Samples:
    with jobs_project.running(name) as one:
        one.start_worker()

        def run(parts: int) -> float:
            return float(one.stack.call(RUN, parts, timeout=DEADLINE))

        return taken(run, samples, sizes)


def peer_turn(samples: int) -> Samples:
    """With one chord of the most parts at the end, if it can be expected within TOO_LONG."""
    with jobs_peers.running(PEER) as one:
        one.start_workers()
        run = functools.partial(one.ask, "chord")
        found = taken(run, samples, (SOME, MORE))
        if min(found[figure(MORE)]) * MOST / MORE < TOO_LONG and (most := run(MOST)):
            found[figure(MOST)] = [most]
        return found


def taken(run: Callable[[int], float], samples: int, sizes: tuple[int, ...]) -> Samples:
    """So many chords of each size, the sizes in turns."""
    run(WARM_UP)
    found: Samples = {figure(parts): [] for parts in sizes}
    for _ in range(samples):
        for parts in sizes:
            found[figure(parts)].append(run(parts))
    found["rate"] = [MORE / seconds for seconds in found[figure(MORE)]]
    if MOST in sizes:
        pairs = zip(found[figure(MOST)], found[figure(MORE)], strict=True)
        found["growth"] = [most / more for most, more in pairs]
    return found


def figure(parts: int) -> str:
    return f"seconds_{parts}"


COMPARISON = Comparison(
    name="chord",
    question=f"""
Seconds from the submission of a chord until its callback's result is recorded: parts that add two
numbers, and a callback that counts their results. A client that lives through its turn submits one
chord after the other and looks each millisecond; a worker of two processes runs them.

The peer is Celery with django-celery-results on the same servers, `acks_late`, confirms, prefork, and
`.get(interval=0.001)`. Its chord of {MOST:,} parts is left out where it would take longer than
{TOO_LONG:.0f} s.
""",
    sides=(
        Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),
        Side(name=EMBEDDED, title="this project, embedded"),
        Side(name=PEER.name, title=PEER.title, is_peer=True),
    ),
    figures=(
        *(Figure(name=figure(parts), title=f"{parts:,} parts, s") for parts in (SOME, MORE, MOST)),
        Figure(name="rate", title=f"parts/s of {MORE:,}", digits=0),
        Figure(name="growth", title=f"{MOST:,} to {MORE:,}", digits=1),
    ),
    headline=figure(MORE),
    goals=(
        Goal(
            text=f"{MORE:,} parts at least 12 times as fast as Celery (medians)",
            side=SERVERS,
            figure="rate",
            bound=12,
            kind="times the peer's at least",
            peer=PEER.name,
            digits=1,
        ),
        Goal(
            text=f"{MOST:,} parts at most 11 times as long as {MORE:,} (median)",
            side=SERVERS,
            figure="growth",
            bound=11,
            kind="median at most",
            digits=1,
        ),
    ),
    samples=3,
    open=opened,
)
