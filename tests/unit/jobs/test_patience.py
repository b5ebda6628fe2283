"""What a database refuses for good is not waited for; what passes is."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from django.db import DataError, InterfaceError, OperationalError, connection, transaction

from celery_uncovered.jobs import patience
from celery_uncovered.jobs.patience import patiently, will_pass


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SHORTEST", 0.001)


def ask(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_not_there_is_not_waited_for() -> None:
    with pytest.raises(OperationalError, match="no such table"):
        patiently(lambda: ask("SELECT 1 FROM nowhere"), "It")


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    held = sqlite3.connect(tmp_path / "db", isolation_level=None)
    other = sqlite3.connect(tmp_path / "db", timeout=0)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        other.execute("BEGIN IMMEDIATE")
    assert will_pass(caused_by(locked.value))


@pytest.mark.django_db(transaction=True)
def test_what_passes_is_tried_again_until_it_is_done() -> None:
    tries: list[int] = []

    def act() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise caused_by(psycopg.errors.AdminShutdown())
        return "done"

    assert patiently(act, "It") == "done"
    assert len(tries) == 3


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_tried_again() -> None:
    def act() -> None:
        raise caused_by(psycopg.errors.AdminShutdown())

    with pytest.raises(OperationalError), transaction.atomic():
        patiently(act, "It")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.ProgramLimitExceeded(), False),
        (psycopg.errors.StatementTooComplex(), False),
    ],
)
def test_postgresqls_errors_are_told_apart_by_their_class(
    error: psycopg.OperationalError,
    passes: bool,  # noqa: FBT001
) -> None:
    assert will_pass(caused_by(error)) is passes


def test_only_errors_of_the_connection_pass() -> None:
    assert will_pass(InterfaceError("connection already closed"))
    assert not will_pass(DataError("value too long"))
    assert not will_pass(RuntimeError("anything"))


def caused_by(error: Exception) -> OperationalError:
    """As Django wraps what the database's driver raises."""
    wrapped = OperationalError(str(error))
    wrapped.__cause__ = error
    return wrapped
