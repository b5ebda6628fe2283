"""``python -m benchmarks.peers.celery_submit``: submits as many jobs as each line on stdin says.

Celery as the report's peer is configured: ``delay`` in a loop, each message confirmed. The answer
on stdout is the seconds that it took.
"""

import os
import sys
import time

import django
from celery import Celery

app = Celery("peer")
app.conf.update(
    broker_url=os.environ["PEER_BROKER_URL"],
    broker_transport_options={"confirm_publish": True},
    result_backend="django-db",
    task_acks_late=True,
    task_default_queue="default",
)


@app.task(name="add")
def add(x: int, y: int) -> int:
    return x + y


def main() -> None:
    django.setup()
    for line in sys.stdin:
        began = time.perf_counter()
        for number in range(int(line)):
            add.delay(number, 2)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
