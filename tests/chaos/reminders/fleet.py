"""The processes of a run: one is killed now and then, and started again as a supervisor would."""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import requests

from tests.chaos.reminders.plan import ROLES
from tests.servers.ports import reserve_port
from tests.stacks import Running, Stack
from tests.support.commands import BIN, COMMANDS

QUIET = ("--loglevel", "WARNING")
CHILDREN, SECONDS, SOON = 2, 5, 1.0
#: Of the chat's deaths those at the worst moment.
HALF = 0.5


@dataclass(kw_only=True)
class Fleet:
    """``kills`` counts by role, ``crashes`` names what ended although nobody killed it."""

    stack: Stack
    dice: Random
    pauses: tuple[float, float]
    web_port: int = field(default_factory=reserve_port)
    chat_port: int = field(default_factory=reserve_port)
    processes: dict[str, Running] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)
    stirred: threading.Event = field(default_factory=threading.Event)

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def chat(self) -> str:
        return f"http://127.0.0.1:{self.chat_port}"

    def commands(self) -> dict[str, list[str]]:
        celery = [str(BIN / "celery"), "-A", "celery_uncovered"]
        store = str(Path(self.stack.env["DATA_DIR"], "chat.sqlite3"))
        standin = [sys.executable, "-m", "celery_uncovered.advex.reminders.standin"]
        return {
            "chat": [*standin, "--port", str(self.chat_port), "--store", store],
            "web": [*COMMANDS["web"].words(self.web_port), "--threads", "8"],
            # Processes, and threads in one.
            "worker": [
                *celery, "worker", "-n", "processes@%h", "-Q", "default,io",
                "--concurrency", str(CHILDREN), *QUIET,
            ],
            "threads": [
                *celery, "worker", "-n", "threads@%h", "-Q", "io", "--pool", "threads",
                "--concurrency", "4", *QUIET,
            ],
            "dispatcher": COMMANDS["dispatcher"].words(0),
        }  # fmt: skip

    def start(self) -> None:
        for role in self.commands():
            self.processes[role] = self.start_one(role)
        for url in (self.web, self.chat):
            self.stack.wait_for(functools.partial(answers, url), 60, f"{url} answers")
        self.stack.wait_for(
            lambda: len(self.processes["worker"].children()) >= CHILDREN, 60, "the worker is up"
        )
        self.killer = threading.Thread(target=self.live, daemon=True)
        self.killer.start()

    def start_one(self, role: str) -> Running:
        log = self.stack.folder / f"{role}.log"
        running = Running(role, self.commands()[role], env=self.stack.env, log=log)
        self.stack.processes.append(running)
        return running

    def live(self) -> None:
        """Kill somebody after each pause, whatever happens meanwhile; start again what has ended."""
        while not self.ending.is_set():
            if self.stirred.wait(self.dice.uniform(*self.pauses)):
                self.stirred.clear()
                self.ending.wait(self.dice.uniform(0, SOON))
            self.strike()
            self.supervise()

    def stir(self) -> None:
        """There is much to do from now on: somebody is killed within a second."""
        self.stirred.set()

    def strike(self) -> None:
        """Whoever has died least often; by lot where there are several."""
        fewest = min(self.kills[role] for role in ROLES)
        role = self.dice.choice([one for one in ROLES if self.kills[one] <= fewest + 1])
        if role == "worker's child":
            children = self.processes["worker"].children()
            if children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.dice.choice(children), signal.SIGKILL)
                    self.kills[role] += 1
        elif role == "chat" and self.dice.random() < HALF and self.let_the_chat_die():
            self.kills[role] += 1
        elif self.processes[role].is_running:
            self.processes[role].signal(signal.SIGKILL)
            self.processes[role].wait()
            self.kills[role] += 1

    def let_the_chat_die(self) -> bool:
        """At its next request: when it has done what it was asked and not said so, or just before.

        False where it does not answer.
        """
        rule = {"kind": self.dice.choice(["killed-after", "killed"]), "times": 1}
        with contextlib.suppress(requests.RequestException):
            requests.post(f"{self.chat}/_faults", json=[rule], timeout=SECONDS)
            return True
        return False

    def supervise(self) -> None:
        for role, process in self.processes.items():
            if process.is_running:
                continue
            if process.popen.returncode != -signal.SIGKILL:
                code = process.popen.returncode
                self.crashes.append(f"{role} ended with {code}: {process.tail(lines=1)}")
            process.end()
            self.stack.processes.remove(process)
            self.processes[role] = self.start_one(role)

    def spare(self) -> None:
        """From now on nobody is killed any more."""
        self.ending.set()
        self.stirred.set()
        self.killer.join(30)
        self.supervise()

    def channels(self) -> list[dict[str, Any]] | None:
        """Everything in the chat; None while it is away."""
        try:
            found: list[dict[str, Any]] = requests.get(
                f"{self.chat}/_channels", timeout=SECONDS
            ).json()
        except (requests.RequestException, ValueError):
            return None
        return found


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/", timeout=SECONDS).status_code == 200
    except requests.RequestException:
        return False
