"""The peers' processes: a long-lived client of each, and Celery's workers where it has some."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from benchmarks.peers_environment import BIN, PYTHON
from benchmarks.report_project import PERIOD, REPOSITORIES, Made, ReportFailedError, new_folder
from celery_uncovered.toyex.report import since
from celery_uncovered.toyex.standin import RECORDED_TODAY
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import Process
from tests.servers.rabbitmq import RabbitMQ

ONE_AFTER_OTHER, CHORD = "one_after_other", "celery_chord"
#: The layout of `make up`.
WORKERS = {
    "default": ["--concurrency", "2"],
    "io": ["--pool", "threads", "--concurrency", "16"],
}

MakeReport = Callable[[], Made]
Started = TypeVar("Started", bound=Process)


class Serve(Process):
    """``benchmarks.peers.serve``: one report for each line that it gets."""

    def __init__(self, module: str, env: dict[str, str], folder: Path) -> None:
        self.folder = folder
        super().__init__(
            module,
            [PYTHON, "-m", "benchmarks.peers.serve", module],
            env=env,
            log=folder / f"{module}.log",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def make_report(self) -> Made:
        """Raises ReportFailedError with the end of its log."""
        path = self.folder / "report.csv"
        if self.popen.stdin is None or self.popen.stdout is None:
            raise ReportFailedError(self.name)
        self.popen.stdin.write(f"{path}\n".encode())
        self.popen.stdin.flush()
        answer = json.loads(self.popen.stdout.readline() or "null")
        if answer is None or answer["rows"] != REPOSITORIES or not path.exists():
            raise ReportFailedError([answer, self.tail()])
        path.unlink()
        return Made(task_id="", clicked=answer["started"], seen=answer["ended"])


@contextlib.contextmanager
def one_after_other(github: str) -> Iterator[MakeReport]:
    folder = new_folder(ONE_AFTER_OTHER)
    with started(Serve(ONE_AFTER_OTHER, environment(github), folder)) as client:
        yield client.make_report


@contextlib.contextmanager
def chord(github: str) -> Iterator[MakeReport]:
    """A fresh database and vhost on the servers that this project's side uses too."""
    postgres, rabbitmq, folder = PostgreSQL.shared(), RabbitMQ.shared(), new_folder(CHORD)
    database, broker = postgres.new_database(), rabbitmq.new_vhost()
    env = environment(github, database=postgres.url(database), broker=broker)
    try:
        migrate(env)
        with contextlib.ExitStack() as running:
            for queue in WORKERS:
                running.enter_context(started(worker(queue, env, folder)))
            client = running.enter_context(started(Serve(CHORD, env, folder)))
            yield client.make_report
    except Exception as error:
        for log in folder.glob("*.log"):
            error.add_note(f"--- {log.name} ---\n{log.read_text(errors='replace')[-3000:]}")
        raise
    finally:
        postgres.drop_database(database)
        rabbitmq.delete_vhost(broker.rpartition("/")[2])


def worker(queue: str, env: dict[str, str], folder: Path) -> Process:
    app = ["-q", "-A", "benchmarks.peers.celery_chord", "worker", "-n", f"{queue}@%h", "-Q", queue]
    return Process(
        queue,
        [BIN / "celery", *app, *WORKERS[queue], "--loglevel", "WARNING"],
        env=env,
        log=folder / f"{queue}.log",
    )


def migrate(env: dict[str, str]) -> None:
    command = [str(PYTHON), "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=env, check=True)


def environment(github: str, *, database: str = "", broker: str = "") -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings",
        "PEER_DATABASE_URL": database,
        "PEER_BROKER_URL": broker,
        "GITHUB_API_URL": github,
        "SINCE": since(PERIOD, RECORDED_TODAY).isoformat(),
    }


@contextlib.contextmanager
def started(process: Started) -> Iterator[Started]:
    try:
        yield process
    finally:
        process.end()
