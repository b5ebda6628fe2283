"""A run: clients submit, everything is killed on schedule, and when all is quiet it is audited."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import audit, report
from tests.chaos.evidence import Evidence
from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet
from tests.chaos.plan import Plan
from tests.chaos.report import Report
from tests.servers.processes import Process
from tests.stacks import Stack

#: How often the processes are looked after, in seconds; and how often it is said how far it is.
TICK, TELL = 0.2, 30.0
UNFINISHED = "SELECT count(*) FROM jobs_job WHERE state NOT IN ('SUCCESS', 'FAILURE', 'REVOKED')"
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
        self.fleet = Fleet(stack=self.stack, plan=self.plan)
        dice = self.plan.random("targets")
        self.faults = Faults(stack=self.stack, fleet=self.fleet, dice=dice)

    def carry_out(self) -> Report:
        self.stack.script(EVERY_TWO_SECONDS)
        self.fleet.start()
        clients = [self.start_client(number) for number in range(self.plan.clients)]
        self.strike_while(clients)
        self.faults.end()
        self.wait_until_quiet()
        for process in self.fleet.of("beat"):
            process.stop()
        self.wait_until_quiet(beat=False)
        evidence = Evidence.of(self.stack)
        return report.report_on(
            self.plan,
            evidence,
            kills=self.faults.kills,
            restarts=self.fleet.restarts,
            crashes=self.fleet.crashes,
            problems=audit.problems(evidence, self.plan),
        )

    def start_client(self, number: int) -> Process:
        plan = self.plan
        values = [number, plan.share(number), plan.minutes * 60, plan.longest_ms, plan.seed]
        client = Process(
            f"client{number}",
            [sys.executable, "-m", "tests.chaos.client", *map(str, values)],
            env=self.stack.env,
            log=self.stack.folder / f"client{number}.log",
        )
        self.stack.processes.append(client)
        return client

    def strike_while(self, clients: list[Process]) -> None:
        """Strike on schedule until every client has submitted its share."""
        began = told = time.monotonic()
        faults = self.plan.faults()
        at, kind = next(faults)
        due: set[str] = set()
        while any(client.is_running for client in clients):
            self.fleet.supervise()
            now = time.monotonic()
            while now - began >= at:
                due.add(kind)
                at, kind = next(faults)
            # What cannot be struck yet is struck as soon as it can.
            due -= {one for one in sorted(due) if self.faults.strike(one)}
            if now - told >= TELL:
                told = now
                kills = ", ".join(f"{kind} {n}" for kind, n in sorted(self.faults.kills.items()))
                self.tell(f"{now - began:,.0f} s; killed: {kills}")
            time.sleep(TICK)
        for client in clients:
            assert client.wait() == 0, f"{client.name} failed.\n{client.tail()}"

    def wait_until_quiet(self, *, beat: bool = True) -> None:
        """Until every job is final; or nothing has ended for the plan's patience: the audit tells."""
        # Beat submits for as long as it runs: one or two of its jobs may always be on their way.
        enough = 2 if beat else 0
        fewest, deadline = sys.maxsize, time.monotonic() + self.plan.patience
        while time.monotonic() < deadline:
            self.fleet.supervise() if beat else None
            left = int(self.stack.query(UNFINISHED)[0][0])
            if left <= enough:
                return
            if left < fewest:
                fewest, deadline = left, time.monotonic() + self.plan.patience
            time.sleep(TICK)
        self.tell(f"{fewest} jobs have not ended, and none has for {self.plan.patience:g} s.")
