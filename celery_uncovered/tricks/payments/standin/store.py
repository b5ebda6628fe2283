"""What the gateway has done, in a file that outlives it: a SIGKILL loses no charge and makes no second."""

import contextlib
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS charge (
    key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    reference TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, made_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, made_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS request_key ON request (key);
"""
COUNTS = """
SELECT (SELECT count(*) FROM request),
       (SELECT count(*) FROM request) - (SELECT count(DISTINCT key) FROM request),
       (SELECT count(*) FROM charge WHERE status = 'settled'),
       (SELECT count(*) FROM charge WHERE status = 'declined'),
       (SELECT coalesce(sum(amount), 0) FROM charge WHERE status = 'settled')
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request wants charged, in smallest units."""

    amount: int
    currency: str
    reference: str


class Store:
    """One connection that all threads share; every act is one durable transaction."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None, timeout=20
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(SCHEMA)

    def note_request(self, key: str) -> None:
        """Count a request for a charge, whatever becomes of it."""
        with self._locked() as connection:
            connection.execute("INSERT INTO request (key, made_at) VALUES (?, ?)", (key, now()))

    def charge(
        self, key: str, asked: Asked, *, reason: str | None = None
    ) -> tuple[dict[str, Any], bool]:
        """The charge of ``key``, made now (declined, with a ``reason``) unless there is one; whether it is new."""
        row = {
            "key": key,
            "id": f"ch_{uuid.uuid4().hex}",
            **asdict(asked),
            "status": "declined" if reason else "settled",
            "reason": reason,
            "made_at": now(),
        }
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        with self._locked() as connection:
            # One statement decides, and its commit is the charge.
            made = connection.execute(
                f"INSERT OR IGNORE INTO charge ({names}) VALUES ({places})",  # noqa: S608  # constants
                row,
            )
            found = connection.execute("SELECT * FROM charge WHERE key = ?", (key,)).fetchone()
        return dict(found), made.rowcount == 1

    def find(self, key: str) -> dict[str, Any] | None:
        with self._locked() as connection:
            found = connection.execute("SELECT * FROM charge WHERE key = ?", (key,)).fetchone()
        return dict(found) if found else None

    def counts(self) -> dict[str, int]:
        """``repeated`` requests came after another one for their key; ``amount`` is the sum charged."""
        names = ("requests", "repeated", "charges", "declined", "amount")
        with self._locked() as connection:
            return dict(zip(names, connection.execute(COUNTS).fetchone(), strict=True))

    def charges(self) -> list[dict[str, Any]]:
        with self._locked() as connection:
            return [dict(row) for row in connection.execute("SELECT * FROM charge ORDER BY key")]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._connection


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
