"""What the comparison of jobs calls in a plain client process of the project."""

import time

from benchmarks.looker import Looker
from celery_uncovered.jobs import api as jobs
from tests.support.app import tasks

#: Seconds between two looks for a result, and between a result and the next job.
LOOK, PAUSE = 0.0002, 0.01


def idle(count: int) -> list[float]:
    """Seconds of each job, one after the other: from before its submission until it is recorded."""
    looker = Looker()
    return [until_recorded(number, looker) for number in range(count)]


def until_recorded(number: int, looker: Looker) -> float:
    time.sleep(PAUSE)
    began = time.monotonic()
    looker.await_success(jobs.submit(tasks.add, args=[number, 2]), LOOK)
    return time.monotonic() - began


def mix(seconds: float, every: float, long: float, at_once: int) -> None:
    """Submit short jobs at a steady pace, and keep ``at_once`` of ``long`` seconds in work beside them."""
    began = time.monotonic()
    ends, number = began + seconds, 0
    longs = [began] * at_once
    while (now := time.monotonic()) < ends:
        for place, due in enumerate(longs):
            if due <= now and now + long < ends:
                jobs.submit(tasks.work_long, args=[long])
                longs[place] = now + long
        jobs.submit(tasks.work_briefly)
        number += 1
        time.sleep(max(0.0, began + number * every - time.monotonic()))
