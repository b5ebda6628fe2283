"""A run: clients submit, everything is killed on schedule, and when all is quiet it is audited."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import audit, report
from tests.chaos.evidence import Evidence
from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.chaos.plan import Plan
from tests.chaos.report import Report
from tests.stacks import Stack

#: How often the processes are looked after, in seconds; and how often it is said how far it is.
TICK, TELL = 0.2, 30.0
#: What part of the jobs may end in peace.
REST = 0.05
EVERY_TWO_SECONDS = """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from tests.support.app import tasks
every, _ = IntervalSchedule.objects.get_or_create(every=2, period="seconds")
PeriodicTask.objects.create(name="chaos", task=tasks.add.name, interval=every, args="[1, 1]")
"""


def silent(_: str) -> None:
    pass


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(kw_only=True)
class Run:
    """On a ``stack`` whose servers, if any, are its own; ``tell`` hears now and then how far it is."""

    plan: Plan
    stack: Stack
    tell: Callable[[str], None] = silent

    def __post_init__(self) -> None:
        self.load = Load(plan=self.plan, stack=self.stack)
        self.fleet = Fleet(stack=self.stack, plan=self.plan)
        dice = self.plan.random("targets")
        self.faults = Faults(stack=self.stack, fleet=self.fleet, dice=dice)

    def carry_out(self) -> Report:
        self.stack.script(EVERY_TWO_SECONDS)
        self.fleet.start()
        self.fleet.wait_until_up()
        self.load.start()
        self.strike_while_loaded()
        self.faults.end()
        self.wait_until_quiet()
        evidence = Evidence.of(self.stack)
        return report.report_on(
            self.plan,
            evidence,
            kills=self.faults.kills,
            restarts=self.fleet.restarts,
            crashes=self.fleet.crashes,
            problems=audit.problems(evidence, self.plan),
        )

    def strike_while_loaded(self) -> None:
        """Strike on schedule until all is submitted and most of it is done, and once each at least."""
        began = told = time.monotonic()
        faults = self.plan.faults()
        at, kind = next(faults)
        due: set[str] = set()
        limit = began + 2 * 60 * self.plan.minutes
        missing = set(self.plan.periods)
        while self.load.is_submitting or (
            time.monotonic() < limit and (missing or self.load.behind() > self.plan.jobs * REST)
        ):
            self.fleet.supervise()
            now = time.monotonic()
            while now - began >= at:
                due.add(kind)
                at, kind = next(faults)
            # What cannot be struck yet is struck as soon as it can.
            struck = {one for one in sorted(due) if self.faults.strike(one)}
            due, missing = due - struck, missing - struck
            if now - told >= TELL:
                told = now
                kills = ", ".join(f"{kind} {n}" for kind, n in sorted(self.faults.kills.items()))
                self.tell(f"{now - began:,.0f} s; killed: {kills}")
            time.sleep(TICK)
        self.load.wait_until_submitted()

    def wait_until_quiet(self) -> None:
        """Until all jobs are final, or none ends any more, which the audit tells."""
        # Beat submits for as long as it runs: one or two of its jobs may always be on their way.
        supervise = self.fleet.supervise
        self.load.wait_until_quiet(more=2, meanwhile=supervise)
        self.fleet.processes.pop("beat").end()
        if not self.load.wait_until_quiet(meanwhile=supervise):
            self.tell(f"No job has ended for {self.plan.patience:g} s, and not all are final.")
