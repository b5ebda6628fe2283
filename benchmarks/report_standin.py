"""GitHub's stand-in as the comparison runs it: slow in its answers, exact about its requests."""

import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for

#: What a report asks for; its own list is in a module that needs Django.
PAGES = [1, 2, 3, 4, 5]
#: Seconds that each answer takes.
DELAY = 0.4


class UnexpectedRequestsError(Exception):
    def __init__(self, pages: list[int]) -> None:
        super().__init__(f"The report fetched the pages {pages} instead of {PAGES}.")


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The five requests of one report. Times are seconds since 1970."""

    slowest: float
    first_started: float
    last_ended: float
    at_once: int


class StandIn(Process):
    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        port = reserve_port()
        self.url = f"http://127.0.0.1:{port}"
        module = ["-m", "celery_uncovered.toyex.standin"]
        super().__init__(
            "standin",
            [sys.executable, *module, "--port", str(port), "--delay", str(DELAY)],
            env=env,
            log=folder / "standin.log",
        )
        wait_for(lambda: "listens" in self.tail(), what="the stand-in listens", details=self.tail)

    def forget(self) -> None:
        requests.delete(f"{self.url}/_requests", timeout=10).raise_for_status()

    def fetched(self) -> Fetched:
        """What was asked since ``forget``; raises UnexpectedRequestsError."""
        answer = requests.get(f"{self.url}/_requests", timeout=10).json()
        entries = answer["requests"]
        pages = sorted(entry["page"] for entry in entries)
        if pages != PAGES:
            raise UnexpectedRequestsError(pages)
        return Fetched(
            slowest=max(entry["ended"] - entry["started"] for entry in entries),
            first_started=min(entry["started"] for entry in entries),
            last_ended=max(entry["ended"] for entry in entries),
            at_once=answer["max_concurrency"],
        )
