"""Outages of a stack's database and broker, real ones: locks, stopped and killed servers."""

import contextlib
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.stacks import Stack


@contextlib.contextmanager
def database_unanswering(stack: Stack) -> Iterator[None]:
    """PostgreSQL's processes are stopped; of SQLite somebody else holds the write lock."""
    with postgres_stopped(stack) if stack.postgres else sqlite_locked(stack):
        yield


@contextlib.contextmanager
def database_gone(stack: Stack) -> Iterator[None]:
    """PostgreSQL is killed, and started again at the end; SQLite, which has no server, is locked."""
    if stack.postgres is None:
        with sqlite_locked(stack):
            yield
        return
    stack.postgres.kill()
    try:
        yield
    finally:
        stack.postgres.start()


@contextlib.contextmanager
def sqlite_locked(stack: Stack) -> Iterator[None]:
    path = stack.env["DATABASE_URL"].removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            foreign.execute("ROLLBACK")


@contextlib.contextmanager
def postgres_stopped(stack: Stack) -> Iterator[None]:
    """SIGSTOP for the server, which then starts no more processes, and for those that it has."""
    assert stack.postgres
    server = stack.postgres.started()
    os.kill(server.pid, signal.SIGSTOP)
    stopped = [server.pid, *server.children()]
    send(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        send(stopped, signal.SIGCONT)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def unacknowledged(stack: Stack) -> int:
    """How many messages are delivered and not acknowledged; RabbitMQ tells it as of some seconds ago."""
    if stack.rabbitmq is None:
        held = Path(stack.env["DATA_DIR"], "broker/unacked")
        return sum(path.is_file() for path in held.glob("*/default/*"))
    vhost = stack.env["CELERY_BROKER_URL"].rpartition("/")[2]
    answer = stack.rabbitmq.evaluate(
        f'rabbit_amqqueue:info_all(<<"{vhost}">>, [messages_unacknowledged]).'
    )
    return sum(map(int, re.findall(r"messages_unacknowledged,\s*(\d+)", answer)))
