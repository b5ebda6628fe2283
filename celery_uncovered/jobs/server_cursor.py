"""PostgreSQL below Django's cursor: values travel beside the statement, which is planned once.

Django's own cursor writes the values into the statement's text: that takes half the time of an
insert's Python, and the database plans each text anew. Whether statements are prepared is the
connection's ``prepare_threshold``, which Django leaves off unless the settings' OPTIONS name it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

try:
    from psycopg import Cursor
except ImportError:  # SQLite alone, or psycopg 2
    Cursor = None  # type: ignore[assignment,misc]


@contextmanager
def server_cursor() -> Iterator[Any]:
    """A cursor of psycopg 3; None where there is none, or somebody watches Django's statements."""
    # Not by Django's proxy, which looks the connection up for each attribute.
    database = connections[DEFAULT_DB_ALIAS]
    is_watched = database.queries_logged or database.execute_wrappers
    if database.vendor != "postgresql" or Cursor is None or is_watched:
        yield None
        return
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_no_broken_transaction()
    with database.wrap_database_errors, Cursor(database.connection) as cursor:
        yield cursor
