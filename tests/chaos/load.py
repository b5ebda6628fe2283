"""Clients that submit jobs, paced, until their share is accepted; and the wait for the last to end."""

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos import audit
from tests.chaos.client import ENOUGH
from tests.chaos.evidence import Evidence, lines
from tests.chaos.plan import Plan
from tests.servers.processes import Process
from tests.stacks import Stack

PAUSE = 0.1
UNFINISHED = "SELECT count(*) FROM jobs_job WHERE state NOT IN ('SUCCESS', 'FAILURE', 'REVOKED')"


def nothing() -> None:
    pass


@dataclass(kw_only=True)
class Load:
    plan: Plan
    stack: Stack
    clients: list[Process] = field(default_factory=list)
    #: How far the lines of the work were read, in bytes, and how many ends were among them.
    read: int = 0
    ended: int = 0

    def start(self) -> None:
        self.clients = [self.start_client(number) for number in range(self.plan.clients)]

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

    @property
    def is_submitting(self) -> bool:
        return any(client.is_running for client in self.clients)

    def behind(self) -> int:
        """About how many of all jobs have not done their work yet."""
        with contextlib.suppress(FileNotFoundError):
            with Path(self.stack.env["DATA_DIR"], "effects").open("rb") as file:
                file.seek(self.read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.read += len(whole)
            self.ended += sum(line.startswith(b"ends") for line in whole.splitlines())
        return self.plan.jobs - self.ended

    def told(self) -> dict[str, int]:
        """How many jobs each client was told of."""
        folder = Path(self.stack.env["DATA_DIR"], "told")
        return {file.name: len(lines(file)) for file in folder.glob("*")}

    def wait_for_new_work(self, timeout: float) -> None:
        """Return when the workers are at a job that was accepted after this call."""
        before = self.told()

        def is_new(line: str) -> bool:
            what, task_id, *_ = line.split()
            client, _, index = task_id.partition("-")
            return what == "begins" and int(index) > before.get(client, 0)

        effects = Path(self.stack.env["DATA_DIR"], "effects")
        self.stack.wait_for(
            lambda: any(map(is_new, lines(effects))), timeout, "a worker is at a new job"
        )

    def stop(self) -> None:
        """Let the clients submit no more; what was accepted until then is what counts."""
        Path(self.stack.env["DATA_DIR"], ENOUGH).touch()
        self.wait_until_submitted()
        self.plan = replace(self.plan, jobs=sum(self.told().values()))

    def wait_until_submitted(self) -> None:
        for client in self.clients:
            code = client.wait(timeout=self.plan.minutes * 60 + self.plan.patience)
            assert code == 0, f"{client.name} failed.\n{client.tail()}"

    def problems(self) -> list[str]:
        """What is wrong once all has ended, or nothing more ends."""
        self.wait_until_quiet()
        return audit.problems(Evidence.of(self.stack), self.plan)

    def wait_until_quiet(self, *, more: int = 0, meanwhile: Callable[[], None] = nothing) -> bool:
        """True when all but ``more`` jobs are final; False when none has ended for the plan's patience."""
        fewest, deadline = sys.maxsize, time.monotonic() + self.plan.patience
        while time.monotonic() < deadline:
            meanwhile()
            left = int(self.stack.query(UNFINISHED)[0][0])
            if left <= more:
                return True
            if left < fewest:
                fewest, deadline = left, time.monotonic() + self.plan.patience
            time.sleep(PAUSE)
        return False
