"""A real Celery worker on the embedded broker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

import celery_uncovered
from celery_uncovered.jobs.embedded_broker.layout import Layout
from tests.unit.jobs.embedded_broker_help import DEFAULT, JOBS, files, wait_until

APP = """
import time
from pathlib import Path
from tests.unit.jobs.test_embedded_broker_worker import tiny_app

app = tiny_app(Path(__file__).parent)

@app.task(name="write")
def write(name):
    Path(__file__).with_name(name).touch()

@app.task(name="write_when_told")
def write_when_told(name):
    Path(__file__).with_name(f"{name}.started").touch()
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.02)
    Path(__file__).with_name(name).touch()
"""


def tiny_app(folder: Path) -> Celery:
    app = Celery("tiny", broker="filesystem://", set_as_current=False)
    app.conf.update(
        broker_transport="celery_uncovered.jobs.embedded_broker:Transport",
        broker_transport_options={"folder": str(folder / "broker")},
        task_queues=[DEFAULT],
        task_default_queue=DEFAULT.name,
        task_default_exchange=JOBS.name,
        task_default_exchange_type=JOBS.type,
        task_default_routing_key="default",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
    )
    return app


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    (tmp_path / "tiny.py").write_text(APP)
    return tiny_app(tmp_path)


@pytest.fixture
def start_worker(tmp_path: Path, app: Celery) -> Iterator[Any]:
    processes = []
    root = Path(celery_uncovered.__file__).parent.parent

    def start(name: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tiny", "worker", "-c", "1", "-n", name],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{root}:{tmp_path}"},
            stdout=(tmp_path / f"{name}.log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        kill(process)
    for log in tmp_path.glob("*.log"):
        print(log.read_text())  # noqa: T201  shown by pytest when the test failed


def kill(process: subprocess.Popen[bytes]) -> None:
    """The worker and its children, as a machine that loses its power would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_worker_answers_a_ping_and_leaves_no_reply_queue(
    app: Celery, start_worker: Any, tmp_path: Path
) -> None:
    start_worker("one@test")
    start_worker("two@test")

    wait_until(lambda: len(app.control.inspect(timeout=1).ping() or {}) == 2, seconds=30)

    pong = [{"one@test": {"ok": "pong"}}]
    assert app.control.ping(destination=["one@test"], timeout=20) == pong
    app.control.add_consumer("io", destination=["one@test"], reply=True)
    queues = {path.name for path in Layout(tmp_path / "broker").queues.iterdir()}
    assert [name for name in queues if "reply" in name] == []


def test_a_worker_starts_a_job_soon_after_it_was_sent(
    app: Celery, start_worker: Any, tmp_path: Path
) -> None:
    start_worker("one@test")
    wait_until(lambda: app.control.inspect(timeout=1).ping(), seconds=30)

    app.send_task("write", ["done"])

    wait_until((tmp_path / "done").exists, seconds=5)
    wait_until(lambda: files(Layout(tmp_path / "broker").unacked) == [], seconds=5)


def test_a_job_of_a_killed_worker_is_run_by_another(
    app: Celery, start_worker: Any, tmp_path: Path
) -> None:
    first = start_worker("one@test")
    app.send_task("write_when_told", ["done"])
    wait_until((tmp_path / "done.started").exists, seconds=30)
    kill(first)
    (tmp_path / "go").touch()

    start_worker("two@test")

    wait_until((tmp_path / "done").exists, seconds=30)
    wait_until(lambda: files(Layout(tmp_path / "broker").unacked) == [], seconds=5)


def test_a_worker_told_to_stop_finishes_its_job_and_acknowledges_it(
    app: Celery, start_worker: Any, tmp_path: Path
) -> None:
    worker = start_worker("one@test")
    app.send_task("write_when_told", ["done"])
    wait_until((tmp_path / "done.started").exists, seconds=30)
    worker.terminate()
    wait_until(lambda: b"Warm shutdown" in (tmp_path / "one@test.log").read_bytes())
    (tmp_path / "go").touch()
    worker.wait(20)

    assert (tmp_path / "done").exists()
    broker = Layout(tmp_path / "broker")
    assert files(broker.unacked) + files(broker.queues) == []
