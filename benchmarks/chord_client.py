"""What the comparison of chords calls in a plain client process of the project."""

import time

from celery import chord
from django.db import connections

from tests.support.app import tasks

#: Seconds between two looks for the callback's result.
LOOK = 0.001
RESULT = "SELECT result FROM jobs_job WHERE id = %s AND state = 'SUCCESS'"


def seconds(parts: int) -> float:
    """From the submission of a chord until its callback's result, which counts the parts, is recorded."""
    looker = connections["default"].copy()
    try:
        began = time.monotonic()
        callback = chord([tasks.add.s(0, 1) for _ in range(parts)])(tasks.total.s())
        with looker.cursor() as cursor:
            cursor.execute(RESULT, [callback.id])
            while (row := cursor.fetchone()) is None:
                time.sleep(LOOK)
                cursor.execute(RESULT, [callback.id])
        ended = time.monotonic()
    finally:
        looker.close()
    if int(row[0]) != parts:
        raise RuntimeError(row)
    return ended - began
