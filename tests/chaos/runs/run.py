"""A run of chaos: journeys begin, events come, everything is killed; when all is quiet it is audited."""

import contextlib
import heapq
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet
from tests.chaos.report import machine
from tests.chaos.run import TICK, silent
from tests.chaos.runs import audit
from tests.chaos.runs.evidence import INSIDE, Evidence
from tests.chaos.runs.plan import LEAST_KILLS, Plan
from tests.chaos.runs.report import Report
from tests.stacks import Running, Stack
from tests.support.client import RemoteError

SETTINGS = "tests.chaos.runs.settings"
TELL = 15.0
#: So many children die for each main process of a worker.
MAIN_EVERY = 10
#: Seconds between looks for dead letters, which an operator would resume.
TEND = 5.0


class WorkersAndDispatcher(Fleet):
    """No beat; and whoever is there may be struck: a run that waits is in nobody's hands anyway."""

    def roles(self) -> list[str]:
        return [role for role in super().roles() if role != "beat"]

    def at_work(self) -> list[tuple[Running, int]]:
        return [(worker, child) for worker in self.of("worker") for child in worker.children()]


class ManyChildren(Faults):
    """A worker's main process takes seconds to be back: it is struck every so often only."""

    def strike_worker(self) -> str:
        if self.kills["worker's child"] < MAIN_EVERY * (self.kills["worker"] + 1):
            targets = self.fleet.at_work()
            if not targets:
                return ""
            _, child = self.dice.choice(targets)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            return "worker's child"
        return self.kill_one("worker")


@dataclass(kw_only=True)
class Run:
    """On a ``stack`` with this module's SETTINGS, whose servers, if any, are its own."""

    plan: Plan
    stack: Stack
    tell: Callable[[str], None] = silent
    #: Calls that were lost with the database, and are made again.
    waiting: list[tuple[str, Any]] = field(default_factory=list)
    dead_letters: int = 0

    def __post_init__(self) -> None:
        self.fleet = WorkersAndDispatcher(stack=self.stack, plan=self.plan)
        self.tended = time.monotonic()
        dice = self.plan.random("targets")
        self.faults = ManyChildren(stack=self.stack, fleet=self.fleet, dice=dice)

    def carry_out(self) -> Report:
        began = time.monotonic()
        self.fleet.start()
        self.fleet.wait_until_up()
        self.strike()
        self.faults.end()
        self.wait_until_quiet()
        return self.report(time.monotonic() - began)

    # --- while it goes on -----------------------------------------------------------------------------
    def strike(self) -> None:
        """Have journeys begin, send events and strike on schedule, until all that was planned is done."""
        began = told = time.monotonic()
        acts, faults = self.acts(), self.plan.faults()
        act, (strike_at, kind) = next(acts, None), next(faults)
        due: set[str] = set()
        missing = set(self.plan.periods)
        limit = began + 60 * self.plan.minutes + self.plan.patience
        while (act or self.waiting or missing) and time.monotonic() < limit:
            self.fleet.supervise()
            now = time.monotonic() - began
            while act and act[0] <= now:
                self.waiting.append(act[1:])
                act = next(acts, None)
            self.make_calls()
            self.tend()
            while strike_at <= now:
                due.add(kind)
                strike_at, kind = next(faults)
            struck = {one for one in sorted(due) if self.faults.strike(one)}
            due, missing = due - struck, missing - struck
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                kills = ", ".join(f"{one} {n}" for one, n in sorted(self.faults.kills.items()))
                self.tell(f"{now:,.0f} s; killed: {kills}")
            time.sleep(TICK)

    def acts(self) -> Iterator[tuple[float, str, Any]]:
        """When which function of ``inside`` is called with what, in the order of time."""
        coming: list[tuple[float, int, str, Any]] = []
        count = 0
        for at, batch in self.plan.batches():
            while coming and coming[0][0] <= at:
                moment, _, name, what = heapq.heappop(coming)
                yield moment, name, what
            yield at, "start", batch
            for kind, journey, size in batch:
                if kind == "listen":
                    for number, pause in enumerate(self.plan.events(journey, size)):
                        count += 1
                        heapq.heappush(coming, (at + pause, count, "send", [[journey, number]]))
        while coming:
            moment, _, name, what = heapq.heappop(coming)
            yield moment, name, what

    def make_calls(self) -> None:
        """In their order; what the database did not take is tried again, and what follows waits."""
        while self.waiting:
            name, what = self.waiting[0]
            if self.call(name, what) is None:
                return
            self.waiting.pop(0)

    def call(self, name: str, *what: Any) -> list[Any] | None:
        """What a function of ``inside`` returned, in a list; None while the database is away."""
        try:
            return [self.stack.call(f"{INSIDE}:{name}", *what)]
        except RemoteError as error:
            if error.kind not in {"OperationalError", "InterfaceError"}:
                raise
            return None

    def tend(self) -> None:
        """Resume what became a dead letter, as an operator would."""
        if time.monotonic() - self.tended > TEND:
            self.tended = time.monotonic()
            resumed = self.call("resume_dead_letters")
            self.dead_letters += resumed[0] if resumed else 0

    def wait_until_quiet(self) -> None:
        """Until all runs are over, or none has ended for the plan's patience, which the audit tells."""
        fewest, deadline = None, time.monotonic() + self.plan.patience
        while time.monotonic() < deadline:
            self.fleet.supervise()
            self.make_calls()
            self.tend()
            left = self.call("unfinished")
            if left == [0] and not self.waiting:
                return
            if left and (fewest is None or left[0] < fewest):
                fewest, deadline = left[0], time.monotonic() + self.plan.patience
            time.sleep(TICK)
        self.tell(f"No run has ended for {self.plan.patience:g} s: {self.call('states')}")
        for told in self.call("stuck") or []:
            self.tell("\n".join(told))

    # --- afterwards -----------------------------------------------------------------------------------
    def report(self, seconds: float) -> Report:
        evidence = Evidence.of(self.stack)
        return Report(
            stack=self.plan.stack,
            seed=self.plan.seed,
            measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=machine(),
            runs=len(evidence.runs),
            steps=sum(map(len, evidence.steps.values())),
            events=len(evidence.events),
            booked=len(evidence.bookings),
            seconds=round(seconds, 1),
            kills=dict(self.faults.kills),
            restarts=dict(self.fleet.restarts),
            crashes=self.fleet.crashes,
            claims=sum(run["epoch"] for run in evidence.runs.values()),
            taken_over=evidence.taken_over,
            begun_again=evidence.repeated,
            dead_letters=self.dead_letters,
            problems=[
                *audit.problems(evidence, self.plan),
                *mildness(self.faults.kills, self.plan),
            ],
        )


def mildness(kills: Counter[str], plan: Plan) -> Iterator[str]:
    """A run in which nothing was killed shows nothing."""
    if len(kills) < len(plan.periods):
        yield f"Too mild: of {', '.join(plan.periods)} only {dict(kills)} were struck."
    if plan.is_full and (killed := sum(kills.values())) < LEAST_KILLS:
        yield f"Too mild: {killed} processes were killed; run it for longer (MINUTES=9)."
