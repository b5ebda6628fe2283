"""The statements that put new jobs into the ledger, each row by one of them and without a look back.

A row whose id, or whose live unique key, is taken is left out; the statements say which are in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from celery_uncovered.jobs.messages import Message
from celery_uncovered.jobs.server_cursor import run_at_once, server_cursor
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.timing import Timing

#: What differs from job to job; the rest of a new row is the same for all.
COLUMNS = (
    "id",
    "task",
    "queue",
    "state",
    "body",
    "message",
    "unique_key",
    "unique_until",
    "root_id",
    "parent_id",
    "group_id",
    "created_at",
    "due_at",
    "expires_at",
    "queued_at",
)
UNIQUE_KEY = COLUMNS.index("unique_key")
NEW = {
    "attempt": "0",
    "times_lost": "0",
    "error": "''",
    "error_type": "''",
    "traceback": "''",
    "cancel_requested": "FALSE",
    "terminate_requested": "FALSE",
    "progress_note": "''",
}
INTO = f"INSERT INTO jobs_job ({', '.join(NEW)}, {', '.join(COLUMNS)})"
ROW = f"({', '.join(NEW.values())}, {', '.join(['%s'] * len(COLUMNS))})"
INSERT_ONE = f"{INTO} VALUES {ROW} ON CONFLICT DO NOTHING"
INSERT_SOME = "{into} VALUES {rows} ON CONFLICT DO NOTHING RETURNING id"
COPY = f"COPY jobs_job ({', '.join(NEW)}, {', '.join(COLUMNS)}) FROM STDIN"
#: The same values for COPY, which takes them as they are written in text.
NEW_AS_TEXT = tuple(value.strip("'") for value in NEW.values())
MICROSECOND = timedelta(microseconds=1)
#: Rows in one statement; SQLite takes 32,766 values.
CHUNK = 500

#: A value for each of COLUMNS.
Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Key:
    """A unique key and when its window ends; None for the end of its job."""

    text: str
    until: datetime | None = None


def row_of(
    message: Message, timing: Timing, key: Key | None = None, *, now: datetime | None = None
) -> Row:
    now = now or timezone.now()
    headers = message.headers
    moment = connection.ops.adapt_datetimefield_value
    is_later = timing.is_later
    return (
        message.task_id,
        message.task,
        message.queue,
        State.SCHEDULED.value if is_later else State.QUEUED.value,
        message.body,
        message.envelope(),
        None if key is None else key.text,
        None if key is None else moment(key.until),
        headers.get("root_id") or message.task_id,
        headers.get("parent_id"),
        headers.get("group"),
        moment(now),
        moment(timing.due_at),
        moment(timing.expires_at),
        None if is_later else moment(now),
    )


def insert_job(row: Row) -> bool:
    """Insert one row, by a single statement; False if its id or its live key is taken."""
    # Not with a unique key: libpq would not hear of a signal while it waits for the key's holder.
    inserted = run_at_once(INSERT_ONE, row) if row[UNIQUE_KEY] is None else None
    if inserted is not None:
        return bool(inserted)
    with server_cursor() as below, below or connection.cursor() as cursor:
        cursor.execute(INSERT_ONE, row)
        return bool(cursor.rowcount)


def insert_jobs(rows: Sequence[Row]) -> set[str]:
    """Insert rows, CHUNK by a statement; the ids of those that are in."""
    inserted: set[str] = set()
    with connection.cursor() as cursor:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            statement = INSERT_SOME.format(into=INTO, rows=", ".join([ROW] * len(chunk)))
            cursor.execute(statement, [value for row in chunk for value in row])
            inserted.update(task_id for (task_id,) in cursor.fetchall())
    return inserted


def insert_new_jobs(messages: Sequence[Message], timing: Timing) -> None:
    """Insert a job for each of ``messages``, whose ids are new; all, or none where it raises.

    A microsecond lies between one and the next, so that they are sent in their order.
    """
    start = timezone.now()
    rows = (
        row_of(message, timing, now=start + number * MICROSECOND)
        for number, message in enumerate(messages)
    )
    with server_cursor() as cursor:
        if cursor is not None:
            with cursor.copy(COPY) as copy:
                for row in rows:
                    copy.write_row(NEW_AS_TEXT + row)
            return
    insert_jobs(list(rows))
