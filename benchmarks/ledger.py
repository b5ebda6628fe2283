"""The ledger as a benchmark looks at it: cheap questions on a connection of their own."""

import sqlite3
import time
from typing import Any

import psycopg

from tests.servers.processes import wait_for
from tests.stacks import Stack

#: Each is answered by an index, so that asking often takes little from what is measured.
HAS_BEGUN = """
SELECT EXISTS (SELECT 1 FROM jobs_job WHERE state = 'STARTED')
    OR EXISTS (SELECT 1 FROM jobs_job WHERE state = 'SUCCESS') AS looked
"""
IS_DONE = """
SELECT NOT EXISTS (SELECT 1 FROM jobs_job WHERE state = 'QUEUED')
    AND NOT EXISTS (SELECT 1 FROM jobs_job WHERE state = 'STARTED') AS looked
"""
IS_SENT = """
SELECT NOT EXISTS (
    SELECT 1 FROM jobs_job WHERE state = 'QUEUED' AND published_at IS NULL
) AS looked
"""
SUCCEEDED = "SELECT count(*) AS looked FROM jobs_job WHERE state = 'SUCCESS'"
SQLITE = "sqlite:///"
#: Seconds between two looks.
PAUSE = 0.02


class Ledger:
    """Of one stack; ``backend`` is the id of PostgreSQL's process that answers."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.connection: Any = connect(stack.env["DATABASE_URL"])
        self.backend: int = self.connection.info.backend_pid if stack.postgres else 0

    def ask(self, statement: str) -> Any:
        """The one value of the one row."""
        (value,) = self.connection.execute(statement).fetchone()
        return value

    def moment_of(self, statement: str, timeout: float, pause: float = PAUSE) -> float:
        """``time.monotonic()`` when the answer is true first."""
        wait_for(
            lambda: self.ask(statement),
            timeout,
            what=statement,
            details=self.stack.logs,
            pause=pause,
        )
        return time.monotonic()

    def moment_of_success(self, jobs: int, timeout: float) -> tuple[float, int]:
        """``time.monotonic()`` when at least so many have succeeded, and how many."""
        wait_for(
            lambda: self.ask(SUCCEEDED) >= jobs,
            timeout,
            what=f"{jobs} jobs succeeded",
            details=self.stack.logs,
            pause=PAUSE,
        )
        count = int(self.ask(SUCCEEDED))
        return time.monotonic(), count

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return list(self.connection.execute(statement).fetchall())


def connect(url: str) -> Any:
    """A plain connection, by psycopg or sqlite3; each statement commits."""
    if url.startswith(SQLITE):
        return sqlite3.connect(url.removeprefix(SQLITE), timeout=20, isolation_level=None)
    connection = psycopg.connect(url, autocommit=True)
    # Fresh tables have no statistics, without which an answer might be sought in the table itself.
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET enable_bitmapscan = off")
    # What stands above such plans is compiled for longer than it takes.
    connection.execute("SET jit = off")
    return connection
