"""Jobs run and recorded: what each side does in a second, how soon, and with how much processor."""

import contextlib
import functools
from collections.abc import Iterator, Mapping

from benchmarks import jobs_peers, jobs_project, mixed
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.jobs_turn import ONE_BY_ONE, SINGLES
from benchmarks.record import Samples
from tests.stacks import EMBEDDED, SERVERS

RESULTS, DRAMATIQ = "celery_results", "dramatiq"


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {
        SERVERS: functools.partial(servers_turn, samples),
        EMBEDDED: functools.partial(jobs_project.turn, EMBEDDED, samples),
        **{
            peer.name: functools.partial(jobs_peers.turn, peer, samples)
            for peer in jobs_peers.PEERS
        },
    }


def servers_turn(samples: int) -> Samples:
    return jobs_project.turn(SERVERS, samples) | mixed.turn()


def lots() -> str:
    """How many jobs each peer gets."""
    return ", ".join(f"{peer.title} {peer.jobs:,}" for peer in jobs_peers.PEERS)


COMPARISON = Comparison(
    name="jobs",
    question=f"""
Jobs that add two numbers, with a worker of two processes. *Drained*: from a full queue, submitted
while no worker ran, between the first job's start and the last one's end; *end to end*: from the first
submission to the last end, with a worker that is up and warm, submitted in each side's fastest way.
This project gets {jobs_project.JOBS[SERVERS]:,} jobs ({jobs_project.JOBS[EMBEDDED]:,} embedded) by `submit_many`; the
peers get fewer where they are slow ({lots()}).

*One by one* is a loop of {ONE_BY_ONE:,} submissions while no worker runs. *Idle* is the time of
{SINGLES} single jobs, one after the other, from before the submission until its end is seen. Processor
time (user and system) and memory (PSS) are those of all of the worker's processes, while and after
the queue is drained. *Short beside long*: from submission to end of jobs of 1 ms, one each
{mixed.EVERY * 1000:.0f} ms, while two of {mixed.LONG:.0f} s are in work in a worker of {mixed.CONCURRENCY} processes.

A job has ended when its outcome is durably recorded, in this project (with attempts, copies of the
results and time limits; publisher and dispatcher run), Celery with django-celery-results, and
Procrastinate (its state only; submitted by `batch_defer`). The others record nothing durable: there it
has ended when its function ran. Celery: `acks_late`, confirms, prefork. Dramatiq: two processes with a
thread each, unconfirmed as by default. Huey: two processes, no results. RQ: two workers with the task's
module loaded, `enqueue_many`. Procrastinate: two workers. Redis keeps nothing on disk.
""",
    sides=(
        Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),
        Side(name=EMBEDDED, title="this project, embedded"),
        *(Side(name=peer.name, title=peer.title, is_peer=True) for peer in jobs_peers.PEERS),
    ),
    figures=(
        Figure(name="each", title="µs a job end to end", digits=0),
        Figure(name="end_to_end", title="jobs/s end to end", digits=0),
        Figure(name="drained", title="jobs/s drained", digits=0),
        Figure(name="submitted", title="one by one, submits/s", digits=0),
        Figure(name="idle_p50", title="idle p50, ms", digits=1),
        Figure(name="idle_p99", title="idle p99, ms", digits=1),
        Figure(name="cpu", title="processor, µs a job", digits=0),
        Figure(name="memory", title="memory, MB", digits=0),
        Figure(name="mixed_p95", title="short beside long p95, ms", digits=1),
    ),
    headline="each",
    goals=(
        Goal(
            text="at least 25 times Celery with django-celery-results, end to end (medians)",
            side=SERVERS,
            figure="end_to_end",
            bound=25,
            kind="times the peer's at least",
            peer=RESULTS,
            digits=1,
        ),
        Goal(
            text="at least 0.9 times Dramatiq, end to end (medians)",
            side=SERVERS,
            figure="end_to_end",
            bound=0.9,
            kind="times the peer's at least",
            peer=DRAMATIQ,
            digits=2,
        ),
        Goal(
            text="one by one at least 2,000 submits/s (median)",
            side=SERVERS,
            figure="submitted",
            bound=2_000,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="idle p50 at most 4 ms, recorded (median)",
            side=SERVERS,
            figure="idle_p50",
            bound=4,
            kind="median at most",
            digits=1,
        ),
        Goal(
            text="95 of 100 short jobs beside long ones within 50 ms (median)",
            side=SERVERS,
            figure="mixed_p95",
            bound=50,
            kind="median at most",
            digits=1,
        ),
    ),
    samples=2,
    open=opened,
)
