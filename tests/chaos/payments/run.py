"""A run: people pay, everybody dies at the boundaries, messages come twice; then it is audited."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.chaos.payments import audit
from tests.chaos.payments.audit import Evidence
from tests.chaos.payments.fleet import Fleet
from tests.chaos.payments.people import People
from tests.chaos.payments.plan import DEATHS, GATES, GATEWAY, Plan
from tests.chaos.run import silent
from tests.stacks import Stack

SETTINGS = "tests.chaos.payments.settings"
TICK, TELL = 0.2, 15.0
#: Every so many ticks messages and jobs are repeated.
REPEAT_EVERY = 10


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run came to; ``problems`` is empty where every payment was charged once."""

    stack: str
    payments: int
    seconds: float
    gateway: dict[str, int]
    deaths: dict[str, int]
    whole_services: int
    restarts: dict[str, int]
    crashes: list[str]
    people: dict[str, int]
    repeated_messages: int
    repeated_jobs: int
    attempts_lost: int
    problems: list[str]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def text(self) -> str:
        figures = [f"{name:<24} {value}" for name, value in asdict(self).items()]
        return "\n".join([*figures, *(f"PROBLEM: {problem}" for problem in self.problems)])


@dataclass(kw_only=True)
class Run:
    """On a ``stack`` with this module's SETTINGS; ``tell`` hears now and then how far it is."""

    plan: Plan
    stack: Stack
    tell: Callable[[str], None] = silent
    counts: Counter[str] = field(default_factory=Counter)

    def carry_out(self) -> Report:
        began = time.monotonic()
        fleet = self.prepare()
        people = People(plan=self.plan, site=fleet.web)
        references = self.plan.references()
        people.start(references[: self.plan.payments - self.plan.orphans])
        for reference, kind in self.plan.orphans_by_reference().items():
            self.call("leave_without_a_job", reference, self.plan.amount_of(reference), kind)
        self.strike(fleet, people)
        self.wait_until_quiet(fleet)
        return self.report(fleet, people, time.monotonic() - began)

    def prepare(self) -> Fleet:
        fleet = Fleet(stack=self.stack)
        self.stack.env |= {
            "PAYMENTS_GATEWAY_URL": fleet.gateway,
            "PAYMENTS_READ_TIMEOUT": "3",
            "PAYMENTS_RETRY_SECONDS": "0.5",
            "PAYMENTS_GRACE_SECONDS": "4",
            "JOBS_OPEN_ON_LOOPBACK": "true",
        }
        gates = Path(self.stack.env["DATA_DIR"], GATES)
        for boundary in self.plan.prepared():
            (gates / boundary).mkdir(parents=True)
        for reference, (boundary, what) in self.plan.gates.items():
            (gates / boundary / reference).write_text(what)
        self.call("look_often", 2)
        fleet.start()
        return fleet

    # --- while people pay ------------------------------------------------------------------------
    def strike(self, fleet: Fleet, people: People) -> None:
        """Repeat messages and jobs, and have the gateway die in turns, until all has been paid for."""
        told = began = paid = time.monotonic()
        for tick in itertools.count():
            fleet.supervise()
            if people.are_paying:
                paid = time.monotonic()
            elif not self.left() or time.monotonic() - paid > self.plan.patience:
                return
            if tick % REPEAT_EVERY == 0:
                self.repeat(tick)
                self.let_the_gateway_die(fleet)
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                self.tell(f"{told - began:.0f} s: {people.waiting.qsize()} to pay; {self.deaths()}")
            time.sleep(TICK)

    def repeat(self, tick: int) -> None:
        self.counts["messages"] += self.call("repeat_messages", 4, tick)
        self.counts["jobs"] += self.call("submit_again", 2, tick)

    def let_the_gateway_die(self, fleet: Fleet) -> None:
        """One more death at a boundary that lacks some; one that is due waits for the next charge."""
        ordered = sum(self.counts[boundary] for boundary in GATEWAY)
        if fleet.restarts["gateway"] == ordered < self.plan.kills * len(GATEWAY):
            boundary = min(GATEWAY, key=lambda one: self.counts[one])
            self.counts[boundary] += fleet.kill_gateway(boundary)

    def call(self, function: str, *args: Any) -> Any:
        """A function of ``inside``, by its name: this process may be without Django."""
        return self.stack.call(f"tests.chaos.payments.inside:{function}", *args)

    def left(self) -> int:
        """How many payments and jobs have not ended."""
        return int(sum(self.call("unfinished").values()))

    def wait_until_quiet(self, fleet: Fleet) -> None:
        """Until all payments and their jobs have ended, or none has for the plan's patience."""
        fewest, deadline = self.left(), time.monotonic() + self.plan.patience
        while fewest and time.monotonic() < deadline:
            fleet.supervise()
            if (left := self.left()) < fewest:
                fewest, deadline = left, time.monotonic() + self.plan.patience
            time.sleep(TICK)
        if not fewest:
            return
        self.tell(f"{fewest} payments and jobs have not ended for {self.plan.patience:g} s.")

    # --- afterwards ------------------------------------------------------------------------------
    def lines_of_deaths(self) -> list[list[str]]:
        path = Path(self.stack.env["DATA_DIR"], DEATHS)
        return [line.split("|") for line in path.read_text().splitlines()] if path.exists() else []

    def deaths(self) -> Counter[str]:
        return Counter(boundary for boundary, *_ in self.lines_of_deaths())

    def report(self, fleet: Fleet, people: People, seconds: float) -> Report:
        deaths = self.deaths() + Counter({one: self.counts[one] for one in GATEWAY})
        counts: dict[str, int] = get(f"{fleet.gateway}/counts")
        evidence = Evidence(
            payments=self.call("payments"),
            charges=get(f"{fleet.gateway}/charges"),
            counts=counts,
            deaths=deaths,
            led_to=people.led_to,
        )
        return Report(
            stack=self.plan.stack,
            payments=len(evidence.payments),
            seconds=round(seconds, 1),
            gateway=counts,
            deaths=dict(deaths),
            whole_services=sum(what == "all" for _, what, _ in self.lines_of_deaths()),
            restarts=dict(fleet.restarts),
            crashes=fleet.crashes,
            people=dict(people.counts),
            repeated_messages=self.counts["messages"],
            repeated_jobs=self.counts["jobs"],
            attempts_lost=self.call("lost_attempts"),
            problems=audit.problems(evidence, self.plan),
        )


def get(url: str) -> Any:
    return requests.get(url, timeout=20).json()
