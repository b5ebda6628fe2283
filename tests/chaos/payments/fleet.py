"""The processes of a run: what died is started again under its old address, as a supervisor would."""

import functools
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.chaos.payments.plan import GATEWAY
from tests.servers.ports import reserve_port
from tests.stacks import Running, Stack
from tests.support.commands import BIN, COMMANDS

QUIET = ("--loglevel", "WARNING")
SECONDS = 5


@dataclass(kw_only=True)
class Fleet:
    """``restarts`` counts by role, ``crashes`` names what ended although nobody killed it."""

    stack: Stack
    web_port: int = field(default_factory=reserve_port)
    gateway_port: int = field(default_factory=reserve_port)
    processes: dict[str, Running] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    def commands(self) -> dict[str, list[str]]:
        celery = [str(BIN / "celery"), "-A", "celery_uncovered"]
        store = Path(self.stack.env["DATA_DIR"], "gateway.sqlite3")
        standin = [sys.executable, "-m", "celery_uncovered.tricks.payments.standin"]
        return {
            "gateway": [*standin, "--port", str(self.gateway_port), "--store", str(store)],
            "web": [*COMMANDS["web"].words(self.web_port), "--threads", "8"],
            # Processes for both queues, and threads for the one that charges.
            "worker": [*celery, "worker", "-n", "processes@%h", "--concurrency", "4", *QUIET],
            "threads": [
                *celery, "worker", "-n", "threads@%h", "-Q", "io", "--pool", "threads",
                "--concurrency", "4", *QUIET,
            ],
            "dispatcher": COMMANDS["dispatcher"].words(0),
            "beat": [*celery, "beat", "--pidfile=", *QUIET],
        }  # fmt: skip

    def start(self) -> None:
        for role in self.commands():
            self.processes[role] = self.start_one(role)
        for url in (self.web, self.gateway):
            self.stack.wait_for(functools.partial(answers, url), 60, f"{url} answers")
        self.stack.wait_for(
            lambda: len(self.processes["worker"].children()) >= 4, 60, "the worker is up"
        )

    def start_one(self, role: str) -> Running:
        running = Running(
            role,
            self.commands()[role],
            env=self.stack.env,
            log=self.stack.folder / f"{role}.log",
        )
        self.stack.processes.append(running)
        return running

    def supervise(self) -> None:
        """Start what has ended again."""
        for role, process in self.processes.items():
            if process.is_running:
                continue
            if process.popen.returncode != -signal.SIGKILL:
                code = process.popen.returncode
                self.crashes.append(f"{role} ended with {code}: {process.tail(lines=1)}")
            process.end()
            self.stack.processes.remove(process)
            self.processes[role] = self.start_one(role)
            self.restarts[role] += 1

    def kill_gateway(self, boundary: str) -> bool:
        """Have the gateway die at the next charge; False where it is down already."""
        try:
            rule = [{"kind": GATEWAY[boundary], "times": 1}]
            return requests.post(f"{self.gateway}/_faults", json=rule, timeout=SECONDS).ok
        except requests.RequestException:
            return False


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/", timeout=SECONDS).status_code == 200
    except requests.RequestException:
        return False
