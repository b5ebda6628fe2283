"""The private PostgreSQL and RabbitMQ of the suite, with the durability of a fresh installation."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.servers import session
from tests.servers.postgres import PostgreSQL

#: The suite turns fsync off; the last line of a PostgreSQL configuration counts.
DURABLE = "\nfsync = on\nsynchronous_commit = on\n"


@contextlib.contextmanager
def opened() -> Iterator[Path]:
    """The folder of a session whose shared PostgreSQL is durable; everything ends with it."""
    with session.opened() as folder:
        session.once("postgres", lambda: durable().start().address())
        yield folder


def durable() -> PostgreSQL:
    server = PostgreSQL.create()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write(DURABLE)
    return server
