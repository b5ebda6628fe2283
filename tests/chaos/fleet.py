"""The processes of a run: what was killed is started again, as a supervisor would."""

import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.plan import Plan
from tests.servers.processes import Process
from tests.stacks import Running, Stack

#: What the tests' worker says of each job would fill the disk.
QUIET = ("--loglevel", "WARNING")
#: How many bytes of what was noted last tell who is at work.
TAIL = 16_384


@dataclass(kw_only=True)
class Fleet:
    stack: Stack
    plan: Plan
    #: By role: "worker 1", "dispatcher", "beat".
    processes: dict[str, Running] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)
    #: Those that nobody killed, with the last line that they logged.
    crashes: list[str] = field(default_factory=list)

    def start(self) -> None:
        for role in self.roles():
            self.processes[role] = self.start_one(role)

    def wait_until_up(self) -> None:
        def is_up() -> bool:
            workers = self.of("worker")
            return len(workers) == self.plan.workers and all(
                len(worker.children()) >= self.plan.children for worker in workers
            )

        self.stack.wait_for(is_up, 120, "all workers are up")

    def roles(self) -> list[str]:
        workers = [f"worker {number}" for number in range(1, self.plan.workers + 1)]
        return [*workers, "dispatcher", "beat"]

    def start_one(self, role: str) -> Running:
        kind, _, number = role.partition(" ")
        arguments = {
            "worker": ("-n", f"chaos{number}@%h", "--concurrency", str(self.plan.children), *QUIET),
            "dispatcher": (),
            "beat": ("--pidfile=", *QUIET),
        }[kind]
        return self.stack.start(kind, *arguments, wait=False)

    def supervise(self) -> None:
        """Start what has ended again."""
        for role, process in self.processes.items():
            if not process.is_running:
                if process.popen.returncode != -signal.SIGKILL:
                    code = process.popen.returncode
                    self.crashes.append(f"{role} ended with {code}: {process.tail(lines=1)}")
                self.forget(process)
                self.processes[role] = self.start_one(role)
                self.restarts[role.partition(" ")[0]] += 1

    def forget(self, process: Process) -> None:
        """Its children end with it; hundreds of dead ones would be in every log's end."""
        process.end()
        self.stack.processes.remove(process)

    def of(self, kind: str) -> list[Running]:
        return [
            process
            for role, process in self.processes.items()
            if role.partition(" ")[0] == kind and process.is_running
        ]

    def at_work(self) -> list[tuple[Running, int]]:
        """Each worker's children that have begun a job and have not ended it, by their last lines."""
        busy = busy_processes(Path(self.stack.env["DATA_DIR"], "effects"))
        return [
            (worker, child)
            for worker in self.of("worker")
            for child in worker.children()
            if child in busy
        ]


def busy_processes(effects: Path) -> set[int]:
    if not effects.exists():
        return set()
    with effects.open("rb") as file:
        file.seek(max(0, effects.stat().st_size - TAIL))
        # The first line may be half of one.
        lines = file.read().decode().splitlines()[1:]
    last = {line.split()[-1]: line.split()[0] for line in lines}
    return {int(pid) for pid, what in last.items() if what == "begins"}
