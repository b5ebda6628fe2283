"""Accepting jobs: many by one call and one by one, beside Celery's ``delay`` in a loop."""

import contextlib
import functools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.peers_environment import PYTHON
from benchmarks.record import Samples
from benchmarks.report_peers import migrate
from benchmarks.report_project import new_folder
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import Process
from tests.servers.rabbitmq import RabbitMQ
from tests.stacks import EMBEDDED, SERVERS, Stack

PEER = "celery_delay"
#: Jobs of one call, and of one loop.
MANY, ONE_BY_ONE = 20_000, 2_000
#: Submissions at the start of each turn that do not count: connections open, caches fill.
WARM_UPS = 200
#: How long the publishers may take (seconds).
DEADLINE = 300.0
#: Functions of the client process.
BY_ONE_CALL, IN_A_LOOP = (f"benchmarks.submit_client:{name}" for name in ("many", "one_by_one"))
UNPUBLISHED = "SELECT count(*) FROM jobs_job WHERE published_at IS NULL"


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    yield {
        SERVERS: functools.partial(project_turn, SERVERS, samples),
        EMBEDDED: functools.partial(project_turn, EMBEDDED, samples),
        PEER: functools.partial(peer_turn, samples),
    }


def project_turn(name: str, samples: int) -> Samples:
    """A client and the dispatcher; nothing runs the jobs."""
    stack = Stack(name, new_folder(name))
    stack.env |= {"LOG_LEVEL": "WARNING"}
    taken: Samples = {"each": [], "accepted": [], "single": []}
    try:
        stack.start("dispatcher", wait=False)
        stack.call(IN_A_LOOP, WARM_UPS)
        for _ in range(samples):
            began = time.perf_counter()
            seconds = stack.call(BY_ONE_CALL, MANY, timeout=DEADLINE)
            taken["each"].append(1e6 * seconds / MANY)
            taken["accepted"].append(MANY / seconds)
            if name == SERVERS:
                stack.wait_for(functools.partial(all_are_published, stack), DEADLINE)
                taken.setdefault("published", []).append(time.perf_counter() - began)
            seconds = stack.call(IN_A_LOOP, ONE_BY_ONE, timeout=DEADLINE)
            taken["single"].append(ONE_BY_ONE / seconds)
    except Exception as error:
        error.add_note(stack.logs())
        raise
    else:
        return taken
    finally:
        stack.close()


def all_are_published(stack: Stack) -> bool:
    return bool(stack.query(UNPUBLISHED)[0][0] == 0)


def peer_turn(samples: int) -> Samples:
    with peer() as submit:
        submit(WARM_UPS)
        seconds = [submit(ONE_BY_ONE) for _ in range(samples)]
    rates = [ONE_BY_ONE / one for one in seconds]
    return {
        "each": [1e6 / rate for rate in rates],
        "accepted": rates,
        "single": rates,
        # Each is confirmed when ``delay`` returns.
        "published": [MANY / rate for rate in rates],
    }


@contextlib.contextmanager
def peer() -> Iterator[Callable[[int], float]]:
    """Celery's client on the same servers; submits so many jobs and tells the seconds."""
    postgres, rabbitmq, folder = PostgreSQL.shared(), RabbitMQ.shared(), new_folder(PEER)
    database, broker = postgres.new_database(), rabbitmq.new_vhost()
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings",
        "PEER_DATABASE_URL": postgres.url(database),
        "PEER_BROKER_URL": broker,
    }
    migrate(env)
    client = Process(
        PEER,
        [PYTHON, "-m", "benchmarks.peers.celery_submit"],
        env=env,
        log=folder / "client.log",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def submit(count: int) -> float:
        if client.popen.stdin is None or client.popen.stdout is None:
            raise RuntimeError(PEER)
        client.popen.stdin.write(f"{count}\n".encode())
        client.popen.stdin.flush()
        answer = client.popen.stdout.readline()
        if not answer:
            raise RuntimeError(client.tail())
        return float(answer)

    try:
        yield submit
    finally:
        client.end()
        postgres.drop_database(database)
        rabbitmq.delete_vhost(broker.rpartition("/")[2])


COMPARISON = Comparison(
    name="submit_many",
    question=f"""
Jobs per second that one plain client process has accepted: their rows are committed when the call
returns, with fsync on. *By one call* is `submit_many` with {MANY:,} jobs; *one by one* is `submit` in
a loop of {ONE_BY_ONE:,}, each with a commit of its own, while the process's publisher sends them.
*Sent* is the time from the call until the broker has confirmed all {MANY:,}, by the client's publisher
and the dispatcher; the embedded broker takes no more than 1,000 ahead. No worker runs.

The peer is Celery's `delay` in a loop, with confirms: a job is accepted when the broker has it. It
has no other way; its seconds for {MANY:,} are those of {ONE_BY_ONE:,}, times {MANY // ONE_BY_ONE}.
""",
    sides=(
        Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),
        Side(name=EMBEDDED, title="this project, embedded"),
        Side(name=PEER, title="Celery, delay in a loop", is_peer=True),
    ),
    figures=(
        Figure(name="each", title="µs a job by one call", digits=1),
        Figure(name="accepted", title="jobs/s by one call", digits=0),
        Figure(name="single", title="jobs/s one by one", digits=0),
        Figure(name="published", title="seconds until all are sent", digits=2),
    ),
    headline="each",
    goals=(
        Goal(
            text="by one call at least 20,000 jobs/s on RabbitMQ and PostgreSQL (median)",
            side=SERVERS,
            figure="accepted",
            bound=20_000,
            kind="median at least",
            digits=0,
        ),
        Goal(
            text="at least 6 times Celery's (medians)",
            side=SERVERS,
            figure="accepted",
            bound=6,
            kind="times the peer's at least",
            peer=PEER,
            digits=1,
        ),
        Goal(
            text="one by one at least 2,000 jobs/s on RabbitMQ and PostgreSQL (median)",
            side=SERVERS,
            figure="single",
            bound=2_000,
            kind="median at least",
            digits=0,
        ),
    ),
    samples=3,
    open=opened,
)
