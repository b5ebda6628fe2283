"""What the comparisons of runs call in a plain client process of the project."""

import statistics
import time

from django.db import connection
from django.db.models import Min

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine import claims, replay
from celery_uncovered.workflows.models import Run
from tests.support.app import measured

#: Runs that one call starts.
MOST = 5_000
BARE = "CREATE TABLE IF NOT EXISTS bare (id integer PRIMARY KEY, text text)"
INSERT = "INSERT INTO bare VALUES ({}, {})"


def start(runs: int, steps: int) -> str:
    """The least id."""
    return min(one.id for one in workflows.start_many(measured.add_up, [[steps]] * runs))


def start_slow(runs: int, seconds: float) -> str:
    return min(one.id for one in workflows.start_many(measured.look, [[seconds]] * runs))


def start_holding(steps: int, gate: str) -> None:
    workflows.start(measured.add_then_hold, steps, gate)


def start_sleeping(runs: int, until: float) -> None:
    for begin in range(0, runs, MOST):
        count = min(MOST, runs - begin)
        workflows.start_many(measured.sleep_then_add, [[until]] * count)


def commits(count: int) -> float:
    """The database's own: inserts per second of a row with a key, each with its commit, by its driver."""
    connection.ensure_connection()
    below = connection.connection
    place = "%s" if connection.vendor == "postgresql" else "?"
    statement = INSERT.format(place, place)
    below.execute(BARE)
    below.execute("DELETE FROM bare")
    began = time.perf_counter()
    for number in range(count):
        below.execute(statement, (number, "text"))
    return count / (time.perf_counter() - began)


def replayed(steps: int, times: int) -> float:
    """Milliseconds of processor time in which the run of so many steps is loaded and replayed."""
    ended = Run.objects.filter(workflow=measured.add_up.name, args=f"[[{steps}], {{}}]")
    run = Run.objects.get(id=ended.aggregate(least=Min("id"))["least"])
    return 1e3 * statistics.median(replay_once(run) for _ in range(times))


def replay_once(run: Run) -> float:
    began = time.process_time()
    execution = replay.Replay().replay(claims.with_history(run))
    seconds = time.process_time() - began
    if not execution.main.dead or execution.main.error is not None:
        raise RuntimeError(execution.main.error)
    return seconds
