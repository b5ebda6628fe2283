"""A private Redis on loopback, in memory: what the tasks of Celery's suite tell each other by."""

import contextlib
import shutil
import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.servers import session
from tests.servers.missing import missing
from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for


@dataclass(kw_only=True)
class Redis:
    folder: Path
    port: int
    process: Process | None = field(default=None, repr=False)

    @classmethod
    def create(cls) -> Self:
        folder = Path(tempfile.mkdtemp(prefix="redis-", dir=session.folder()))
        return cls(folder=folder, port=reserve_port())

    def start(self) -> Self:
        server = shutil.which("redis-server") or missing("redis-server")
        words = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        log = self.folder / "redis.log"
        self.process = Process("redis", [server, *words], env={}, log=log, cwd=self.folder)
        wait_for(self.answers, 30, what="Redis answers", details=self.process.tail)
        return self

    def answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(1) == b"+"
        return False

    def stop(self) -> None:
        if self.process:
            self.process.end()
