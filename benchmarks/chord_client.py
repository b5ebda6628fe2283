"""What the comparison of chords calls in a plain client process of the project."""

import time

from celery import chord

from benchmarks.looker import Looker
from tests.support.app import tasks

#: Seconds between two looks for the callback's result.
LOOK = 0.001


def seconds(parts: int) -> float:
    """From the submission of a chord until its callback's result, which counts the parts, is recorded."""
    looker, began = Looker(), time.monotonic()
    callback = chord([tasks.add.s(0, 1) for _ in range(parts)])(tasks.total.s())
    counted = looker.await_success(str(callback.id), LOOK)
    ended = time.monotonic()
    if int(counted) != parts:
        raise RuntimeError(counted)
    return ended - began
