"""A run: step by step a simulated day passes, GitHub tells what happens, and somebody always dies."""

import contextlib
import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from tests.chaos.reminders import audit
from tests.chaos.reminders.audit import Evidence
from tests.chaos.reminders.fleet import Fleet
from tests.chaos.reminders.plan import STEP, STEPS, Plan
from tests.chaos.report import machine
from tests.chaos.run import silent
from tests.stacks import Stack
from tests.support.github import GitHub
from tests.support.skipping import skip

SETTINGS = "tests.support.skipping.settings"
TICK = 0.2
OK = 300


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run came to; ``problems`` is empty where each thing was said once."""

    stack: str
    pulls: int
    days: int
    seed: int
    measured_at: str
    machine: str
    seconds: float
    channels: int
    reminders: int
    messages: int
    kills: dict[str, int]
    crashes: list[str]
    webhooks: dict[str, int]
    counts: dict[str, int]
    problems: list[str]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def text(self) -> str:
        figures = [f"{name:<14} {value}" for name, value in asdict(self).items()]
        return "\n".join([*figures, *(f"PROBLEM: {problem}" for problem in self.problems)])


@dataclass(kw_only=True)
class Run:
    """On a ``stack`` with this module's SETTINGS; ``tell`` hears each simulated day how far it is."""

    plan: Plan
    stack: Stack
    tell: Callable[[str], None] = silent
    begun: list[float] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=lambda: {"taken": 0, "tried": 0, "repeated": 0})

    def carry_out(self) -> Report:
        began = time.monotonic()
        self.dice = self.plan.random("webhooks")
        fleet = self.prepare()
        fleet.start()
        for step in range(self.plan.last_step + 1):
            if step:
                skip(Path(self.stack.env["DATA_DIR"]), STEP)
            self.begun.append(time.time())
            fleet.stir()
            for webhook, number in self.plan.webhooks(step):
                self.deliver(webhook, number)
            if not self.wait_for_rest():
                self.tell(f"Step {step} does not come to rest: {self.unrest()}")
                break
            time.sleep(max(0.0, self.begun[-1] + self.plan.shortest_step - time.time()))
            if step % STEPS == 0:
                self.tell(
                    f"{time.monotonic() - began:.0f} s: day {step // STEPS}; {dict(fleet.kills)}"
                )
        fleet.spare()
        return self.report(fleet, time.monotonic() - began)

    def prepare(self) -> Fleet:
        fleet = Fleet(stack=self.stack, dice=self.plan.random("deaths"), pauses=self.plan.pauses)
        self.github = GitHub(site=fleet.web, secret=secrets.token_urlsafe(20), seconds=5.0)
        self.stack.env |= {
            "GITHUB_WEBHOOK_SECRET": self.github.secret,
            "SLACK_API_URL": f"{fleet.chat}/api",
            "SLACK_READ_TIMEOUT": "3",
        }
        return fleet

    # --- GitHub ------------------------------------------------------------------------------------
    def deliver(self, webhook: str, number: int) -> None:
        """Until it is taken: whoever looks after the webhooks sends what failed again. Some come twice."""
        at, guid = datetime.now(UTC), str(uuid.uuid4())
        deadline = time.monotonic() + self.plan.patience
        while not self.is_taken(webhook, number, at, guid):
            if time.monotonic() > deadline:
                self.tell(f"{webhook} of {number} is not taken.")
                return
            time.sleep(TICK)
        self.sent["taken"] += 1
        if self.dice.random() < 0.3:
            again = guid if self.dice.random() < 0.5 else str(uuid.uuid4())
            self.sent["repeated"] += self.is_taken(webhook, number, at, again)

    def is_taken(self, webhook: str, number: int, at: datetime, guid: str) -> bool:
        self.sent["tried"] += 1
        with contextlib.suppress(requests.RequestException):
            return self.github.tell(webhook, number, at=at, guid=guid).status_code < OK
        return False

    # --- rest --------------------------------------------------------------------------------------
    def wait_for_rest(self) -> bool:
        """Until all that is due in this step is done; False where nothing more comes of it."""
        last, since = self.unrest(), time.monotonic()
        while last:
            if time.monotonic() - since > self.plan.patience:
                return False
            time.sleep(TICK)
            if (now := self.unrest()) != last:
                last, since = now, time.monotonic()
        return True

    def unrest(self) -> dict[str, int]:
        found: dict[str, int] = self.call("unrest")
        return found

    def call(self, function: str, *args: Any) -> Any:
        """A function of ``inside``, by its name: this process may be without Django."""
        return self.stack.call(f"tests.chaos.reminders.inside:{function}", *args)

    # --- afterwards --------------------------------------------------------------------------------
    def report(self, fleet: Fleet, seconds: float) -> Report:
        channels = self.stack.wait_for(fleet.channels, 30, "the chat is back")
        evidence = Evidence(
            runs=self.call("runs"), channels=channels or [], begun=self.begun, kills=fleet.kills
        )
        return Report(
            stack=self.plan.stack,
            pulls=self.plan.pulls,
            days=self.plan.days,
            seed=self.plan.seed,
            measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=machine(),
            seconds=round(seconds, 1),
            channels=len(evidence.channels),
            reminders=sum(life.reminders for life in self.plan.lives),
            messages=sum(len(channel["messages"]) for channel in evidence.channels),
            kills=dict(fleet.kills),
            crashes=fleet.crashes,
            webhooks=self.sent,
            counts=self.call("counts"),
            problems=audit.problems(evidence, self.plan),
        )
