"""The peer with Celery alone: a chord, django-celery-results, and ``.get()`` outside."""

import os
from pathlib import Path
from typing import Any

from celery import Celery, chord

from benchmarks.peers import hot_repos

#: Seconds between the looks of ``.get()``, as our client polls; Celery's default is 0.5.
LOOK_SECONDS = 0.005

app = Celery("peer")
app.conf.update(
    broker_url=os.environ["PEER_BROKER_URL"],
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    result_backend="django-db",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_default_queue="default",
    task_routes={"fetch_page": {"queue": "io"}},
)


@app.task(name="fetch_page")
def fetch_page(page: int) -> list[hot_repos.Row]:
    return hot_repos.fetch_page(page)


@app.task(name="write_report")
def write_report(pages: list[list[hot_repos.Row]], path: str) -> int:
    return hot_repos.write_report(pages, Path(path))


def make_report(path: Path) -> int:
    header = [fetch_page.s(page) for page in hot_repos.PAGES]
    result: Any = chord(header)(write_report.s(str(path)))
    return int(result.get(timeout=60, interval=LOOK_SECONDS))
