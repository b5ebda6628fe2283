"""A private PostgreSQL on loopback; run as the postgres user where the suite runs as root."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from tests.servers import session
from tests.servers.missing import newest
from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for

CONFIG = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 300
shared_buffers = 64MB
# A killed process loses nothing that the kernel has; only a power cut would, and tests make none.
fsync = off
"""


@dataclass(kw_only=True)
class PostgreSQL:
    """``create().start()`` one, or use the session's ``shared()``."""

    folder: Path
    port: int
    password: str
    process: Process | None = field(default=None, repr=False)

    @classmethod
    def create(cls) -> Self:
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir=session.folder()))
        server = cls(folder=folder, port=reserve_port(), password=secrets.token_hex(8))
        server.initialise()
        return server

    @classmethod
    def shared(cls) -> Self:
        """The session's one instance, started by whoever asks first."""
        values = session.once("postgres", lambda: cls.create().start().address())
        return cls(**values | {"folder": Path(values["folder"])})

    def address(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "port": self.port, "password": self.password}

    def initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.folder, password_file):
                shutil.chown(path, "postgres", "postgres")
        self.run(
            [
                binary("initdb"),
                f"--pgdata={self.data}",
                f"--pwfile={password_file}",
                *("--username=tests", "--auth=password", "--encoding=UTF8", "--locale=C"),
                "--no-sync",
            ],
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(CONFIG.format(port=self.port, folder=self.folder))

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def url(self, database: str) -> str:
        return f"postgres://tests:{self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def start(self) -> Self:
        """Start, again and again while a killed predecessor's children still hold its memory."""
        wait_for(self.try_to_start, 60, what="PostgreSQL answers", details=self.tail)
        return self

    def try_to_start(self) -> bool:
        if not (self.process and self.process.is_running):
            self.process = Process(
                "postgres",
                [*as_postgres(), binary("postgres"), "-D", self.data],
                env=environment(),
                log=self.log,
                cwd=self.folder,
                end_signal=signal.SIGQUIT,
            )
        with contextlib.suppress(psycopg.OperationalError):
            self.connect().close()
            return True
        return False

    def stop(self) -> None:
        """Stop as an administrator would: sessions are ended, everything is written."""
        process = self.started()
        process.signal(signal.SIGINT)
        process.wait()
        process.end()

    def kill(self) -> None:
        """SIGKILL the server; its children notice and end."""
        process = self.started()
        process.kill()
        process.end()

    def restart(self) -> None:
        self.stop()
        self.start()

    def started(self) -> Process:
        assert self.process, "Only the process that started this server may stop it."
        return self.process

    def new_database(self, *, template: str = "template0") -> str:
        """The name of a fresh database, a copy of ``template``."""
        name = f"tests_{secrets.token_hex(6)}"
        self.create_database(name, template=template)
        return name

    def create_database(self, name: str, *, template: str = "template0") -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        with self.connect() as connection:
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(statement.format(sql.Identifier(name)))

    def tail(self) -> str:
        return self.process.tail() if self.process else ""

    def run(self, command: list[Any]) -> None:
        done = subprocess.run(
            [*as_postgres(), *map(str, command)],
            env=environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def binary(name: str) -> Path:
    return newest(f"postgresql/*/bin/{name}", "PostgreSQL")


def as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
