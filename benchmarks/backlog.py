"""What a job costs while few others wait, and while many do; embedded, where a list of files waits too."""

import contextlib
import functools
from collections.abc import Iterator, Mapping

from benchmarks import jobs_project
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.jobs_turn import DEADLINE
from benchmarks.record import Samples
from tests.stacks import EMBEDDED, SERVERS

FEW, MANY = 1_000, 100_000
#: Jobs drained before the clock starts, and while it runs.
WARM_UPS, SAMPLE = 500, 2_000


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {name: functools.partial(turn, name, samples) for name in (EMBEDDED, SERVERS)}


def turn(name: str, samples: int) -> Samples:
    taken: Samples = {"few": [], "many": [], "growth": []}
    for _ in range(samples):
        few, many = (each(name, waiting) for waiting in (FEW, MANY))
        taken["few"].append(few)
        taken["many"].append(many)
        taken["growth"].append(many / few)
    return taken


def each(name: str, waiting: int) -> float:
    """Microseconds for each job of the sample, at whose end still so many wait."""
    with jobs_project.running(name) as one:
        one.submit(jobs_project.MANY, WARM_UPS + SAMPLE + waiting)
        one.start_worker()
        began, before = one.ledger.moment_of_success(WARM_UPS, DEADLINE)
        ended, after = one.ledger.moment_of_success(before + SAMPLE, DEADLINE)
        return 1e6 * (ended - began) / (after - before)


COMPARISON = Comparison(
    name="backlog",
    question=f"""
What a job costs the worker while others wait: microseconds for each of {SAMPLE:,} jobs, at whose end
{FEW:,} and {MANY:,} jobs are still waiting. All were submitted by `submit_many`, beforehand; the clock
starts when {WARM_UPS} are seen to be done (a look each 20 ms). Worker with two
processes, and the dispatcher; each figure has a database and a broker of its own.
""",
    sides=(
        Side(name=EMBEDDED, title="this project, embedded"),
        Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),
    ),
    figures=(
        Figure(name="few", title=f"µs a job, {FEW:,} waiting", digits=0),
        Figure(name="many", title=f"µs a job, {MANY:,} waiting", digits=0),
        Figure(name="growth", title="ratio", digits=2),
    ),
    headline="many",
    goals=(
        Goal(
            text=f"embedded no more for a job with {MANY:,} waiting: at most 1.1 times (median)",
            side=EMBEDDED,
            figure="growth",
            bound=1.1,
            kind="median at most",
            digits=2,
        ),
    ),
    samples=2,
    open=opened,
)
