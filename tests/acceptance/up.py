"""A running ``bin/up``: everything on this machine, as ``make up`` runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.acceptance.browser import links_in
from tests.servers.processes import Process, environment, wait_for
from tests.servers.session import ROOT

#: What the scenario promises for the first link, in seconds.
PROMISED_SECONDS = 90

Found = TypeVar("Found")


class Up:
    """A running ``bin/up`` with a data folder of its own; ``link`` is what it printed."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.data = folder / "data"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATA_DIR": str(self.data),
            "STATIC_ROOT": str(folder / "static"),
            "TERM": "dumb",
        }
        self.site = f"http://127.0.0.1:{port}"
        begun = time.monotonic()
        self.process = Process(
            "up", self.command(port), env=self.env, log=folder / "up.log", end_signal=signal.SIGTERM
        )
        self.link = self.wait_for(self.printed_link, PROMISED_SECONDS, "a link is printed")
        self.seconds = time.monotonic() - begun

    def command(self, port: int) -> list[str]:
        return [sys.executable, "bin/up", "--port", str(port)]

    def another(self, port: int) -> subprocess.CompletedProcess[str]:
        """A second one, to its end."""
        return subprocess.run(
            self.command(port),
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def printed_link(self) -> str:
        assert self.process.is_running, self.process.tail()
        links = [link for link in links_in(self.process.log.read_text()) if "token=" in link]
        return links[0] if links else ""

    def wait_for(self, condition: Callable[[], Found], timeout: float, what: str) -> Found:
        return wait_for(condition, timeout, what=what, details=self.process.tail)

    def processes(self) -> list[int]:
        """Whatever runs with this data folder: the supervisor, its processes and theirs."""
        mark = f"DATA_DIR={self.data}".encode()
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if mark in environment(pid).split(b"\0")]

    def main_process(self, word: str) -> int:
        """The process with ``word`` in its command that no other such one started; 0 if none."""
        found = {pid: parent(pid) for pid in self.processes() if word in words(pid)}
        return next((pid for pid, above in found.items() if above not in found), 0)


def words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
