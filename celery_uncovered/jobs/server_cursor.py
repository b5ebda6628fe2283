"""PostgreSQL below Django's cursor: values travel beside the statement, which is planned once.

Django's own cursor writes the values into the statement's text: that takes half the time of an
insert's Python, and the database plans each text anew. Whether statements are prepared is the
connection's ``prepare_threshold``, which Django leaves off unless the settings' OPTIONS name it.
"""

import itertools
import re
import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, Error, connections

try:
    from psycopg import Cursor, DatabaseError
    from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
except ImportError:  # SQLite alone, or psycopg 2
    Cursor = None  # type: ignore[assignment,misc]
    DatabaseError = Error  # type: ignore[assignment,misc]

#: A list for the places "%s", a dict for "%(name)s"; of texts, numbers, moments and None.
Values = Sequence[Any] | Mapping[str, Any]

UNKNOWN_STATEMENT = b"26000"
_numbers = itertools.count(1)
#: The statements that each connection has planned, and their names there.
_planned: WeakKeyDictionary[Any, dict[str, bytes]] = WeakKeyDictionary()


@contextmanager
def server_cursor() -> Iterator[Any]:
    """A cursor of psycopg 3; None where there is none, or somebody watches Django's statements."""
    database = _database()
    if database is None:
        yield None
        return
    with database.wrap_database_errors, Cursor(database.connection) as cursor:
        yield cursor


def run_at_once(statement: str, values: Values) -> int | None:
    """Run a statement that commits by itself, with as little Python as can be.

    The number of rows that it changed, or returned. None where it was not run and a cursor should:
    within a transaction, on a connection that plans nothing in advance, or because the database
    refuses it, in which case the cursor will say why.
    """
    database = _database()
    if database is None or not database.autocommit:
        return None
    connection = database.connection
    server = connection.pgconn
    text, names = _numbered(statement)
    texts = _texts([values[name] for name in names])
    if (
        texts is None
        or connection.prepare_threshold is None
        or server.transaction_status != TransactionStatus.IDLE
    ):
        return None
    with database.wrap_database_errors:
        name = _name_of(server, statement, text)
        return None if name is None else _count(server, server.exec_prepared(name, texts))


class Line:
    """A second connection of a thread to PostgreSQL, for one statement at a time that nobody waits for.

    It is opened when it is needed, and stays open; each statement commits by itself.
    """

    def __init__(self) -> None:
        self._own: Any = None

    def send(self, statement: str, values: Values) -> bool:
        """Send a statement; False where it was not, for the reasons that ``run_at_once`` has."""
        database = _database()
        if database is None or not database.autocommit:
            return False
        text, names = _numbered(statement)
        texts = _texts([values[name] for name in names])
        try:
            server = self._server(database)
            if texts is None or server is None:
                return False
            name = _name_of(server, statement, text)
            if name is None:
                return False
            server.send_query_prepared(name, texts)
            while server.flush():
                select.select([server.socket], [server.socket], [])
                server.consume_input()
        except (Error, DatabaseError):
            self.close()
            return False
        return True

    def count(self) -> int | None:
        """Wait for what was sent: the number of rows; None where it is not known to have been done."""
        server = self._own.connection.pgconn
        try:
            while server.is_busy():
                # Not by libpq, which would keep all other threads of Python waiting.
                select.select([server.socket], [], [])
                server.consume_input()
            counts = []
            while (result := server.get_result()) is not None:
                counts.append(_count(server, result))
        except DatabaseError:
            self.close()
            return None
        return counts[0] if len(counts) == 1 else None

    def close(self) -> None:
        if self._own is not None:
            self._own.close()

    def _server(self, database: Any) -> Any:
        if self._own is None:
            self._own = database.copy()
        self._own.close_if_unusable_or_obsolete()
        self._own.ensure_connection()
        connection = self._own.connection
        if connection.prepare_threshold is None:
            return None
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            # It was lost, and only says so now; the next statement finds a new one.
            self.close()
            return None
        return connection.pgconn


def _name_of(server: Any, statement: str, text: bytes) -> bytes | None:
    """The name under which a connection has planned a statement; None where it does not."""
    planned = _planned.setdefault(server, {})
    if statement not in planned:
        # Never a name again: the server may still know it.
        name = f"jobs_{next(_numbers)}".encode()
        if server.prepare(name, text).status != ExecStatus.COMMAND_OK:
            return None
        planned[statement] = name
    return planned[statement]


def _count(server: Any, result: Any) -> int | None:
    """The rows that a statement changed, or returned; None where it was refused."""
    if result.status == ExecStatus.TUPLES_OK:
        return int(result.ntuples)
    if result.status == ExecStatus.COMMAND_OK:
        return int(result.command_tuples or 0)
    # Nothing was changed.
    if result.error_field(DiagnosticField.SQLSTATE) == UNKNOWN_STATEMENT:
        # A pooler has taken away what was planned.
        _planned.pop(server, None)
    return None


def _database() -> Any:
    """Django's connection to a PostgreSQL, open and well; None where there is none to use so."""
    # Not by Django's proxy, which looks the connection up for each attribute.
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or Cursor is None:
        return None
    if database.queries_logged or database.execute_wrappers:
        return None
    database.close_if_health_check_failed()
    if database.connection is None:
        database.ensure_connection()
    database.validate_no_broken_transaction()
    return database


def _texts(values: Sequence[Any]) -> list[bytes | None] | None:
    """The values as libpq takes them; None where one of them is no text for PostgreSQL."""
    texts: list[bytes | None] = []
    for value in values:
        if value is None:
            texts.append(None)
            continue
        if type(value) is not str:
            value = value.isoformat() if isinstance(value, datetime) else str(value)  # noqa: PLW2901
        # libpq reads a text up to the first NUL.
        if "\0" in value:
            return None
        try:
            texts.append(value.encode())
        except UnicodeEncodeError:
            return None
    return texts


@cache
def _numbered(statement: str) -> tuple[bytes, tuple[Any, ...]]:
    """``statement`` with PostgreSQL's own places for values, and which value is meant by each."""
    names: list[Any] = []

    def place(found: re.Match[str]) -> str:
        name = found[1] or len(names)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = re.sub(r"%(?:\((\w+)\))?s", place, statement)
    return text.encode(), tuple(names)
