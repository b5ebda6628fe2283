"""A stack: one way to run the project, with a database and a broker of its own.

``embedded`` is SQLite and the filesystem broker, ``servers`` PostgreSQL and RabbitMQ,
``sqlite-rabbitmq`` one of each. The fixtures are in tests/conftest.py.
"""

import contextlib
import functools
import itertools
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import requests

from tests.servers.ports import reserve_port
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import Process, wait_for
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.session import ROOT
from tests.support.client import Client
from tests.support.commands import BIN, COMMANDS, Command
from tests.support.databases import new_postgres, new_sqlite

Found = TypeVar("Found")

EMBEDDED, SERVERS, SQLITE_RABBITMQ = "embedded", "servers", "sqlite-rabbitmq"


class Stack:
    """``env`` may be changed until the first process starts. Everything ends with ``close``."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        settings: str = "tests.support.settings",
        own_servers: bool = False,
    ) -> None:
        """``own_servers``: servers that this test may kill; others are shared by the session."""
        self.name = name
        self.folder = folder
        self.postgres: PostgreSQL | None = None
        self.rabbitmq: RabbitMQ | None = None
        self.own_servers = own_servers
        self.processes: list[Process] = []
        self.numbers = itertools.count(1)
        self.client: Client | None = None
        self.connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self.lock = threading.Lock()
        self.env = {
            "STACK": name,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": settings,
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "LOG_LEVEL": "INFO",
            "CELERY_BROKER_URL": "",
        }
        (folder / "data").mkdir()
        self.choose_broker()
        self.migrate()

    # --- database and broker ---------------------------------------------------------------------
    def choose_broker(self) -> None:
        if self.name in {SERVERS, SQLITE_RABBITMQ}:
            self.rabbitmq = RabbitMQ.create().start() if self.own_servers else RabbitMQ.shared()
            self.env["CELERY_BROKER_URL"] = self.rabbitmq.new_vhost()

    def migrate(self) -> None:
        """Give the stack a fresh database with every migration applied."""
        if self.name == SERVERS:
            self.postgres = PostgreSQL.create().start() if self.own_servers else PostgreSQL.shared()
            self.env["DATABASE_URL"] = new_postgres(self.postgres, self.env)
        else:
            self.env["DATABASE_URL"] = new_sqlite(self.folder / "data/db.sqlite3", self.env)

    def query(self, statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement with ``%s`` places, on either database; committed."""
        if self.postgres:
            return self._query_postgres(statement, params)
        path = self.env["DATABASE_URL"].removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as lite, lite:
            return lite.execute(statement.replace("%s", "?"), params).fetchall()

    def _query_postgres(self, statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Over a connection that stays: whoever waits for something asks again and again."""
        with self.lock:
            had_one = self.connection is not None
            try:
                if self.connection is None:
                    url = self.env["DATABASE_URL"]
                    self.connection = psycopg.connect(url, autocommit=True)
                # The text comes from the test, with %s for values.
                cursor = self.connection.execute(statement.encode(), params)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self._disconnect()
                if not had_one:
                    raise
        # The server was started again since.
        return self._query_postgres(statement, params)

    def _disconnect(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    # --- processes -------------------------------------------------------------------------------
    def start(self, kind: str, *args: str, wait: bool = True, timeout: float = 60) -> "Running":
        """Start a process of the project (see ``COMMANDS``), ready unless ``wait`` is False."""
        command, number = COMMANDS[kind], next(self.numbers)
        port = reserve_port() if command.serves else None
        running = Running(
            f"{kind}{number}",
            [*command.words(port or number), *args],
            env=self.env,
            log=self.folder / f"{kind}{number}.log",
        )
        running.url = f"http://127.0.0.1:{port}" if port else ""
        self.processes.append(running)
        if wait:
            ready = functools.partial(running.is_ready, command)
            self.wait_for(ready, timeout, f"{running.name} is ready")
        return running

    def manage(self, *args: str, check: bool = True, timeout: float = 120) -> "Done":
        """``manage.py`` with these arguments."""
        return self.run([sys.executable, "manage.py", *args], check=check, timeout=timeout)

    def shell(self, source: str, *, timeout: float = 120) -> Any:
        """The value of the variable ``result`` after ``source`` ran in a fresh process."""
        return json.loads(self.script(source, timeout=timeout).stdout)

    def script(self, source: str, *, check: bool = True, timeout: float = 120) -> "Done":
        """As ``shell``, for source that may end its process: the exit code tells."""
        command = [sys.executable, "-m", "tests.support.child", "script"]
        return self.run(command, check=check, timeout=timeout, source=source)

    def run(self, command: list[str], *, check: bool, timeout: float, source: str = "") -> "Done":
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.env,
            input=source,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def python(self, name: str = "python") -> Client:
        """One more long-lived process of the project, to call functions in."""
        client = Client(name, env=self.env, log=self.folder / f"{name}{next(self.numbers)}.log")
        self.processes.append(client)
        return client

    def call(self, function: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function of a helper module in the stack's own long-lived process."""
        if self.client is None or not self.client.is_running:
            self.client = self.python()
        return self.client.call(function, *args, **kwargs)

    # --- waiting and ending ----------------------------------------------------------------------
    def wait_for(
        self,
        condition: Callable[[], Found],
        timeout: float = 60,
        what: str = "the condition holds",
    ) -> Found:
        """The first true answer of ``condition``; at the deadline an error with the logs' ends."""
        return wait_for(condition, timeout, what=what, details=self.logs)

    def logs(self) -> str:
        parts = [f"--- {process.name} ---\n{process.tail()}" for process in self.processes]
        return "\n".join(parts)

    def close(self) -> None:
        for process in self.processes:
            if process.is_running:
                process.signal(process.end_signal)
        for process in self.processes:
            process.end(timeout=5)
        self._disconnect()
        if self.own_servers:
            for server in (self.rabbitmq, self.postgres):
                if server and server.process:
                    server.stop()
        elif self.postgres:
            self.postgres.drop_database(self.env["DATABASE_URL"].rpartition("/")[2])
        if self.rabbitmq and not self.own_servers:
            self.rabbitmq.delete_vhost(self.env["CELERY_BROKER_URL"].rpartition("/")[2])


class Running(Process):
    """A process of the project; ``url`` is where it serves, if it does."""

    url: str = ""

    def is_ready(self, command: Command) -> bool:
        assert self.is_running, f"{self.name} ended with {self.popen.returncode}.\n{self.tail()}"
        if not command.serves:
            return command.ready in self.log.read_text(errors="replace")
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            requests.get(self.url + command.ready, timeout=5, allow_redirects=False)
            return True
        return False


Done = subprocess.CompletedProcess[str]
