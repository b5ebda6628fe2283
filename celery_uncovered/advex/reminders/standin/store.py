"""The channels and their messages, in a file: a SIGKILL loses none and makes no second one."""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS channel (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
    is_archived INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT, channel INTEGER NOT NULL REFERENCES channel,
    ts TEXT NOT NULL, text TEXT NOT NULL, metadata TEXT, UNIQUE (channel, ts)
);
"""
#: Channels and people have ids of a letter and a number.
LETTER, BOT = "C", "U0STANDIN"
_MOST_DIGITS = 15


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

    def create(self, name: str) -> dict[str, Any] | None:
        """The new channel; None where one has the name, be it archived."""
        with self._locked() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO channel (name, created) VALUES (?, ?)",
                (name, int(time.time())),
            )
            if not made.rowcount:
                return None
            row = connection.execute("SELECT * FROM channel WHERE name = ?", (name,)).fetchone()
        return channel_of(row)

    def channel(self, channel_id: str) -> dict[str, Any] | None:
        with self._locked() as connection:
            row = connection.execute(
                "SELECT * FROM channel WHERE number = ?", (number_of(channel_id),)
            ).fetchone()
        return channel_of(row) if row else None

    def channels(self, *, after: int = 0, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Channels by their numbers, those beyond ``after``."""
        with self._locked() as connection:
            rows = connection.execute(
                "SELECT * FROM channel WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
            ).fetchall()
        return [(row["number"], channel_of(row)) for row in rows]

    def archive(self, channel_id: str) -> bool:
        """False where it is archived already."""
        with self._locked() as connection:
            done = connection.execute(
                "UPDATE channel SET is_archived = 1 WHERE number = ? AND is_archived = 0",
                (number_of(channel_id),),
            )
        return bool(done.rowcount)

    def post(self, channel_id: str, text: str, metadata: Any) -> dict[str, Any] | None:
        """The new message; None where the channel is archived."""
        with self._locked() as connection:
            last = connection.execute(
                "SELECT ts FROM message ORDER BY number DESC LIMIT 1"
            ).fetchone()
            # Its id in the channel: the time, and never the same twice.
            micros = int(last["ts"].replace(".", "")) if last else 0
            ts = max(micros + 1, int(time.time() * 1e6))
            made = connection.execute(
                "INSERT INTO message (channel, ts, text, metadata)"
                " SELECT number, ?, ?, ? FROM channel WHERE number = ? AND is_archived = 0",
                (
                    f"{ts // 10**6}.{ts % 10**6:06}",
                    text,
                    json.dumps(metadata) if metadata else None,
                    number_of(channel_id),
                ),
            )
            if not made.rowcount:
                return None
            row = connection.execute(
                "SELECT * FROM message WHERE number = ?", (made.lastrowid,)
            ).fetchone()
        return message_of(row)

    def messages(
        self, channel_id: str, *, before: int | None = None, limit: int
    ) -> list[tuple[int, dict[str, Any]]]:
        """Messages of a channel by their numbers, the newest first, those below ``before``."""
        with self._locked() as connection:
            rows = connection.execute(
                "SELECT * FROM message WHERE channel = ? AND number < ?"
                " ORDER BY number DESC LIMIT ?",
                (number_of(channel_id), before or 2**62, limit),
            ).fetchall()
        return [(row["number"], message_of(row)) for row in rows]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._connection


def channel_of(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": f"{LETTER}{row['number']:08}",
        "name": row["name"],
        "name_normalized": row["name"],
        "is_channel": True,
        "is_private": False,
        "is_member": True,
        "is_archived": bool(row["is_archived"]),
        "created": row["created"],
        "creator": BOT,
    }


def message_of(row: sqlite3.Row) -> dict[str, Any]:
    message = {"type": "message", "user": BOT, "ts": row["ts"], "text": row["text"]}
    return message | ({"metadata": json.loads(row["metadata"])} if row["metadata"] else {})


def number_of(channel_id: str) -> int:
    number = channel_id.removeprefix(LETTER)
    return int(number) if number.isdecimal() and len(number) <= _MOST_DIGITS else 0
