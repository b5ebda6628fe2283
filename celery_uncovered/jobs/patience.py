"""Trying again while the database does not answer: what is at stake must not be given up."""

import logging
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between tries: short at first, since a lock or a restart passes soon.
SHORTEST, LONGEST = 0.05, 2.0
#: The classes of PostgreSQL's SQLSTATE that pass: connection, authorization, rolled back, resources,
#: not in the state for it (locked), ended by an operator, system.
PASSING = {"08", "28", "40", "53", "55", "57", "58"}


def patiently(act: Callable[[], T], what: str) -> T:
    """Do ``act`` until the database takes it, on a new connection each time.

    Only what passes is waited for (see ``will_pass``); other errors are raised, and so is everything
    inside a transaction, which cannot be tried again from within.
    """
    pause = SHORTEST
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or not will_pass(error):
                raise
            log.warning("%s waits for the database: %s", what, error)
            connection.close()
        time.sleep(pause)
        pause = min(LONGEST, pause * 2)


def will_pass(error: BaseException) -> bool:
    """Whether the database may take the same statement later: no connection, a lock, a restart, no room.

    False for what it would refuse each time, of which OperationalError has some too: a row that is too
    large for an index, a table that is not there.
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return state[:2] in PASSING
    # The lower byte is the kind; a plain error is one of the statement.
    code = getattr(cause, "sqlite_errorcode", None)
    return code is None or code & 0xFF != sqlite3.SQLITE_ERROR
