"""Baking bread, as a task that tells of it in every way: it logs, prints, warns, and raises.

Nothing here knows about jobs or their logs; that is the point of the example.
"""

import logging
import time

from celery_uncovered.tricks.task_log.errors import ColdOvenError

log = logging.getLogger(__name__)

WANTED = 230
#: Degrees that the oven has at the beginning of each attempt, and gains with every look.
COLD, WARM, STEP = 20, 180, 25
#: How often somebody looks at the oven before giving up.
LOOKS = 4
LOAVES = 6


def bake(attempt: int, pause: float) -> int:
    """Bake LOAVES loaves, looking every ``pause`` seconds; how many.

    Raises ColdOvenError at the first attempt: the oven is cold then.
    """
    log.info("Attempt %d: the dough is ready, %d loaves of it", attempt, LOAVES)
    heat(COLD if attempt == 1 else WARM, pause)
    for loaf in range(1, LOAVES + 1):
        time.sleep(pause)
        print(f"loaf {loaf} of {LOAVES} is done")  # noqa: T201  # shows that prints are kept too
    log.info("Done: %d loaves", LOAVES)
    return LOAVES


def heat(degrees: int, pause: float) -> None:
    """Heat the oven. Raises ColdOvenError where that takes too long."""
    for _ in range(LOOKS):
        print(f"oven: {degrees} °C", end="", flush=True)  # noqa: T201
        time.sleep(pause)
        print(" ...")  # noqa: T201
        if degrees >= WANTED:
            return
        degrees += STEP
    log.warning("Still only %d °C", degrees)
    raise ColdOvenError(degrees, WANTED)
