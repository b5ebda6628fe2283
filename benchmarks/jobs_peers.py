"""The peers of the comparison of jobs: their workers, a long-lived client of each, and its turn."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import jobs_turn
from benchmarks.jobs_turn import DEADLINE, ONE_BY_ONE, SINGLES, WARM_UPS, Meter
from benchmarks.peers.tally import Tally
from benchmarks.peers_environment import BIN, PYTHON, ROOT
from benchmarks.record import Samples
from benchmarks.report_project import new_folder
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import Process, wait_for
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis

Command = tuple[str | Path, ...]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """``jobs``: of a full queue; ``recorded`` counts what is durably done, where anything is.

    ``prepare`` makes its tables; ``workers`` are the commands of its processes.
    """

    name: str
    title: str
    module: str
    jobs: int
    workers: tuple[Command, ...]
    prepare: Command = ()
    recorded: str = ""
    env: tuple[tuple[str, str], ...] = ()


CELERY_WORKER = (
    *(BIN / "celery", "-q", "-A", "benchmarks.peers.jobs_celery", "worker", "-Q", "default"),
    *("--concurrency", "2", "--loglevel", "WARNING"),
)
DRAMATIQ_WORKER = (
    *(BIN / "dramatiq", "benchmarks.peers.jobs_dramatiq"),
    *("--processes", "2", "--threads", "1"),
)
HUEY_WORKER = (
    *(BIN / "huey_consumer", "benchmarks.peers.jobs_huey.huey", "--quiet"),
    *("--workers", "2", "--worker-type", "process"),
)
PROCRASTINATE = (BIN / "procrastinate", "--app", "benchmarks.peers.jobs_procrastinate.app")
PEERS = (
    Peer(
        name="celery_results",
        title="Celery, django-celery-results",
        module="jobs_celery",
        jobs=2_000,
        workers=(CELERY_WORKER,),
        prepare=(PYTHON, "-m", "django", "migrate", "--verbosity", "0"),
        recorded="SELECT count(*) FROM django_celery_results_taskresult WHERE status = 'SUCCESS'",
        env=(
            ("PEER_RESULTS", "django-db"),
            ("DJANGO_SETTINGS_MODULE", "benchmarks.peers.settings"),
        ),
    ),
    Peer(
        name="celery",
        title="Celery without results",
        module="jobs_celery",
        jobs=10_000,
        workers=(CELERY_WORKER,),
    ),
    Peer(
        name="dramatiq",
        title="Dramatiq",
        module="jobs_dramatiq",
        jobs=20_000,
        workers=(DRAMATIQ_WORKER,),
    ),
    Peer(
        name="huey",
        title="Huey",
        module="jobs_huey",
        jobs=20_000,
        workers=(HUEY_WORKER,),
    ),
    Peer(
        name="rq",
        title="RQ",
        module="jobs_rq",
        jobs=2_000,
        workers=((PYTHON, "-m", "benchmarks.peers.jobs_rq_worker"),) * 2,
    ),
    Peer(
        name="procrastinate",
        title="Procrastinate",
        module="jobs_procrastinate",
        jobs=5_000,
        workers=((*PROCRASTINATE, "worker", "--concurrency", "1"),) * 2,
        prepare=(*PROCRASTINATE, "schema", "--apply"),
        recorded="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
    ),
)


class Running:
    """A peer on fresh databases, a vhost and a Redis of its own."""

    def __init__(self, peer: Peer, env: dict[str, str], folder: Path) -> None:
        self.peer, self.env, self.folder = peer, env, folder
        self.tally = Tally.create(Path(env["PEER_TALLY"]))
        self.submitted = 0
        self.stack = contextlib.ExitStack()
        client = (PYTHON, "-m", "benchmarks.peers.jobs_client", peer.module)
        self.client = self.process("client", client, subprocess.PIPE)

    def process(self, name: str, command: Command, pipe: int | None = None) -> Process:
        """Started; ends with this peer."""
        log, stdin = self.folder / f"{name}.log", subprocess.DEVNULL if pipe is None else pipe
        process = Process(name, command, env=self.env, log=log, stdin=stdin, stdout=pipe)
        self.stack.callback(process.end)
        return process

    def start_workers(self) -> list[int]:
        """The ids of their main processes."""
        return [
            self.process(f"worker{number}", command).pid
            for number, command in enumerate(self.peer.workers)
        ]

    def ask(self, act: str, count: int) -> Any:
        """What the client answers: seconds."""
        if self.client.popen.stdin is None or self.client.popen.stdout is None:
            raise RuntimeError(self.peer.name)
        self.client.popen.stdin.write(f"{act} {count}\n".encode())
        self.client.popen.stdin.flush()
        self.submitted += count
        answer = self.client.popen.stdout.readline()
        if not answer:
            raise RuntimeError(self.logs())
        return json.loads(answer)

    def wait_until_done(self) -> float:
        """The moment at which all had run, or were recorded where anything is."""
        jobs = self.submitted
        self.wait_for(lambda: self.tally.count() >= jobs, f"{jobs} jobs ran")
        if not self.peer.recorded:
            return self.tally.last()
        with psycopg.connect(self.env["PEER_DATABASE_URL"], autocommit=True) as connection:

            def recorded() -> bool:
                row = connection.execute(self.peer.recorded).fetchone()
                return row is not None and row[0] >= jobs

            self.wait_for(recorded, f"{jobs} jobs are recorded")
        return time.monotonic()

    def wait_for(self, condition: Any, what: str) -> None:
        wait_for(condition, DEADLINE, what=what, details=self.logs, pause=0.02)

    def logs(self) -> str:
        paths = self.folder.glob("*.log")
        return "\n".join(f"--- {log.name} ---\n{log.read_text()[-3000:]}" for log in paths)


@contextlib.contextmanager
def running(peer: Peer) -> Iterator[Running]:
    postgres, rabbitmq, folder = PostgreSQL.shared(), RabbitMQ.shared(), new_folder(peer.name)
    database, broker, redis = postgres.new_database(), rabbitmq.new_vhost(), Redis.create().start()
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PEER_DATABASE_URL": postgres.url(database),
        "PEER_BROKER_URL": broker,
        "PEER_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "PEER_TALLY": str(folder / "tally"),
        **dict(peer.env),
    }
    found = Running(peer, env, folder)
    try:
        with found.stack:
            if peer.prepare:
                run(peer.prepare, env)
            yield found
    except Exception as error:
        error.add_note(found.logs())
        raise
    finally:
        redis.stop()
        postgres.drop_database(database)
        rabbitmq.delete_vhost(broker.rpartition("/")[2])


def run(command: Command, env: dict[str, str]) -> None:
    words = [str(word) for word in command]
    subprocess.run(words, cwd=ROOT, env=env, check=True, capture_output=True)


def turn(peer: Peer, samples: int) -> Samples:
    with running(peer) as one:
        one.ask("single", WARM_UPS)
        taken = {"submitted": [ONE_BY_ONE / one.ask("single", ONE_BY_ONE)]}
        one.ask("many", peer.jobs - one.submitted)
        return taken | drained(one) | worked(one, samples)


def drained(one: Running) -> Samples:
    """Of a full queue, by workers that start now."""
    workers = one.start_workers()
    one.wait_for(one.tally.count, "the first job runs")
    meter, early = Meter.started(*workers), one.tally.count()
    seconds = one.wait_until_done() - one.tally.first()
    return {"drained": [one.submitted / seconds]} | meter.samples(one.submitted - early)


def worked(one: Running, samples: int) -> Samples:
    """With the workers up and warm."""
    seconds = []
    for _ in range(samples):
        began = time.monotonic()
        one.ask("many", one.peer.jobs)
        seconds.append(one.wait_until_done() - began)
    return jobs_turn.end_to_end(one.peer.jobs, seconds) | jobs_turn.idle(one.ask("idle", SINGLES))
