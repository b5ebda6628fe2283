"""Looks at the ledger that are taken again and again and mostly find nothing.

Each is one text for the database, made once: what Django makes of a queryset takes ten times as long
to build as to answer. Where a look finds something, querysets take over.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

#: In braces the index of those rows alone, which SQLite is told to take: it would read a whole state.
DUE = """
SELECT 1 FROM jobs_job {job_due} WHERE state IN ('SCHEDULED', 'RETRY') AND due_at <= %s LIMIT 1
"""
UNPUBLISHED = """
SELECT 1 FROM jobs_job {job_unpublished}
WHERE state = 'QUEUED' AND published_at IS NULL AND queued_at <= %s LIMIT 1
"""
EXPIRED = """
SELECT 1 FROM jobs_job {job_expiring}
WHERE NOT (state IN ('SUCCESS', 'FAILURE', 'REVOKED')) AND expires_at IS NOT NULL
    AND expires_at <= %s AND state <> 'STARTED'
LIMIT 1
"""
STARTED = "SELECT 1 FROM jobs_job WHERE state = 'STARTED' LIMIT 1"
_INDEX = re.compile(r"\{(\w+)\}")


def finds(look: str, *values: object) -> bool:
    """Whether there is a row."""
    return first_row(look, *values) is not None


def first_row(look: str, *values: object) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_text(look, connection.vendor), _adapted(values))
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def changes(statement: str, *values: object) -> int:
    """How many rows a statement has changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, _adapted(values))
        return int(cursor.rowcount)


@lru_cache
def _text(look: str, vendor: str) -> str:
    return _INDEX.sub(r"INDEXED BY \1" if vendor == "sqlite" else "", look)


def _adapted(values: tuple[object, ...]) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, datetime) else value for value in values]
