"""A worker that has run a million jobs: how much its processes have grown."""

import contextlib
import functools
from collections.abc import Iterator, Mapping

from benchmarks import jobs_project, processes
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.jobs_project import Running
from benchmarks.record import Samples
from tests.stacks import SERVERS

#: Jobs before the first look at the memory, of each submission after it, and how many of those.
FIRST, BATCH, BATCHES = 10_000, 45_000, 22
#: What the jobs leave, removed between two submissions, while nothing runs: the database is not measured.
EMPTY = "TRUNCATE jobs_job, jobs_attempt, jobs_artifact, django_celery_results_taskresult"


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {SERVERS: functools.partial(turn, samples)}


def turn(samples: int) -> Samples:
    """With as many submissions after the first."""
    with jobs_project.running(SERVERS) as one:
        worker = one.start_worker()
        run(one, FIRST)
        before = processes.tree(worker)
        first = processes.megabytes(before)
        for _ in range(samples):
            run(one, BATCH)
        after = processes.tree(worker)
        if set(before) != set(after):
            message = f"Processes were replaced: {before}, {after}."
            raise RuntimeError(message)
        last, jobs = processes.megabytes(after), FIRST + samples * BATCH
    return {"first": [first], "last": [last], "growth": [last / first], "jobs": [jobs]}


def run(one: Running, count: int) -> None:
    one.stack.query(EMPTY)
    one.submitted = 0
    one.submit(jobs_project.MANY, count)
    one.wait_until_done()


COMPARISON = Comparison(
    name="memory",
    question=f"""
Megabytes (PSS) of a worker's main process and its two children on RabbitMQ and PostgreSQL, after its
first {FIRST:,} no-op jobs and after {FIRST + BATCHES * BATCH:,}. No child is replaced. Between two submissions of {BATCH:,} the
tables are emptied.
""",
    sides=(Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),),
    figures=(
        Figure(name="first", title=f"MB after {FIRST:,}", digits=1),
        Figure(name="last", title="MB at the end", digits=1),
        Figure(name="growth", title="ratio", digits=3),
        Figure(name="jobs", title="jobs", digits=0),
    ),
    headline="last",
    goals=(
        Goal(
            text="grown by less than 5 %",
            side=SERVERS,
            figure="growth",
            bound=1.05,
            kind="median at most",
        ),
    ),
    samples=BATCHES,
    rounds=1,
    open=opened,
)
