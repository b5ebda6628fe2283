"""Trying again while the database does not answer: what is at stake must not be given up."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between tries: short at first, since a lock or a restart passes soon.
SHORTEST, LONGEST = 0.05, 2.0


def patiently(act: Callable[[], T], what: str) -> T:
    """Do ``act`` until the database takes it, on a new connection each time.

    Only what passes is waited for (no connection, a lock, a restart); other errors are raised, and
    so is everything inside a transaction, which cannot be tried again from within.
    """
    pause = SHORTEST
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            log.warning("%s waits for the database: %s", what, error)
            connection.close()
        time.sleep(pause)
        pause = min(LONGEST, pause * 2)
