"""Statements that wait for a database which is away: what a run has done must not be lost for it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from celery_uncovered.jobs import api as jobs

log = logging.getLogger(__name__)

T = TypeVar("T")
PAUSES = (0.05, 0.2, 0.5)
LONGEST = 1.0


def patiently(act: Callable[[], T]) -> T:
    """What ``act`` returns, tried again while the database is away; it must be able to be repeated."""
    tries = 0
    while True:
        try:
            return act()
        except (InterfaceError, OperationalError) as error:
            if connection.in_atomic_block or not jobs.will_pass(error):
                raise
            connection.close()
            log.warning("Runs wait for the database: %s", str(error).strip())
            time.sleep(pause_after(tries))
            tries += 1


def pause_after(tries: int) -> float:
    """Seconds before the next try, the first try being 0."""
    return PAUSES[tries] if tries < len(PAUSES) else LONGEST
