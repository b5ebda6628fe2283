"""Procrastinate on PostgreSQL: the state of each job is in its row."""

import functools
import os

import procrastinate

from benchmarks.peers import tally

#: A row once the job of that id is recorded.
RECORDED = "SELECT 1 FROM procrastinate_jobs WHERE id = %s AND status = 'succeeded'"
#: Jobs of one call.
CHUNK = 1000

URL = os.environ["PEER_DATABASE_URL"]
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL))
ran = tally.opened()


async def work(x: int, y: int) -> int:
    ran.add()
    return x + y


add = app.task(name="add")(work)


@functools.cache
def open_client() -> None:
    """In a process that submits; the worker opens connections of its own."""
    app.open()


def submit(number: int) -> int:
    open_client()
    return int(add.defer(x=number, y=2))


def submit_many(count: int) -> None:
    open_client()
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        add.batch_defer(*({"x": number, "y": 2} for number in numbers))
