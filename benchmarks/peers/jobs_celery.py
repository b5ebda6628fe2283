"""Celery: messages confirmed and acknowledged late; results in PostgreSQL, or none at all."""

import os
import time
from typing import Any

from celery import Celery, chord
from celery.exceptions import TimeoutError as TooLateError

from benchmarks.peers import tally

RESULTS = os.environ.get("PEER_RESULTS", "")
#: A row once the job of that id is recorded.
ROW = "SELECT 1 FROM django_celery_results_taskresult WHERE task_id = %s AND status = 'SUCCESS'"
RECORDED = ROW if RESULTS else ""
#: Seconds between the looks of a chord's ``.get()``, Celery's default is 0.5; and that it may take.
LOOK, PATIENCE = 0.001, 180.0

app = Celery("peer")
app.conf.update(
    broker_url=os.environ["PEER_BROKER_URL"],
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    result_backend=RESULTS or None,
    task_ignore_result=not RESULTS,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="default",
)
ran = tally.opened()


@app.task(name="add")
def add(x: int, y: int) -> int:
    ran.add()
    return x + y


@app.task(name="total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


def submit(number: int) -> str:
    return str(add.delay(number, 2).id)


def submit_many(count: int) -> None:
    for number in range(count):
        add.delay(number, 2)


def run_chord(parts: int) -> float | None:
    """Seconds until ``.get()`` has the callback's result; None where that takes too long."""
    began = time.monotonic()
    result: Any = chord([add.s(0, 1) for _ in range(parts)])(total.s())
    try:
        counted = result.get(timeout=PATIENCE, interval=LOOK)
    except TooLateError:
        return None
    if counted != parts:
        raise RuntimeError(counted)
    return time.monotonic() - began
