"""What the benchmark calls in a plain client process of the project."""

import time

from celery_uncovered.jobs import api as jobs
from tests.support.app import tasks


def many(count: int) -> float:
    """Seconds until ``count`` jobs are accepted by one call: their rows are committed."""
    items = [(number, 2) for number in range(count)]
    began = time.perf_counter()
    jobs.submit_many(tasks.add, items)
    return time.perf_counter() - began


def one_by_one(count: int) -> float:
    """Seconds for ``count`` submissions, each with a commit of its own, while they are sent."""
    began = time.perf_counter()
    for number in range(count):
        jobs.submit(tasks.add, args=[number, 2])
    return time.perf_counter() - began
