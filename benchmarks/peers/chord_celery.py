"""``python -m benchmarks.peers.chord_celery``: a chord of as many parts as each line on stdin says.

The answer on stdout is the seconds from its submission until ``.get()`` has the callback's result, or
``-1`` where that takes too long. The module is the workers' app, too.
"""

import os
import sys
import time

import django
from celery import Celery, chord
from celery.exceptions import TimeoutError as TooLateError

#: Seconds between the looks of ``.get()``, as our client looks; Celery's default is 0.5.
LOOK = 0.001
#: Seconds that a chord may take.
PATIENCE = 180.0

app = Celery("peer")
app.conf.update(
    broker_url=os.environ["PEER_BROKER_URL"],
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    result_backend="django-db",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="default",
)


@app.task(name="add")
def add(x: int, y: int) -> int:
    return x + y


@app.task(name="total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


def seconds(parts: int) -> float:
    began = time.monotonic()
    result = chord([add.s(0, 1) for _ in range(parts)])(total.s())
    try:
        counted = result.get(timeout=PATIENCE, interval=LOOK)
    except TooLateError:
        return -1.0
    if counted != parts:
        raise RuntimeError(counted)
    return time.monotonic() - began


def main() -> None:
    django.setup()
    for line in sys.stdin:
        print(seconds(int(line)), flush=True)


if __name__ == "__main__":
    # Under the name that the workers know it by.
    from benchmarks.peers import chord_celery

    chord_celery.main()
