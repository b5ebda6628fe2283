"""The figures of a run, what J28 asks of them, and both as JSON and as text."""

import itertools
import json
import os
import platform
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.chaos.evidence import Evidence
from tests.chaos.plan import Plan
from tests.stacks import SERVERS

#: J28 in full: a run that is milder proves less than it says.
LEAST_SECONDS, LEAST_WORKERS, LEAST_BROKER, LEAST_INTERRUPTED = 20 * 60, 200, 30, 500


@dataclass(frozen=True, kw_only=True)
class Report:
    """``seconds`` is from the first job's row to the last success, ``longest_gap`` between two.

    ``interrupted`` attempts ended between their claim and their result. ``run_again`` jobs did all
    of their work more than once: killed after it, before their result was recorded.
    """

    stack: str
    jobs: int
    beats_jobs: int
    seed: int
    measured_at: str
    machine: str
    seconds: float
    jobs_per_second: float
    longest_gap: float
    kills: dict[str, int]
    restarts: dict[str, int]
    crashes: list[str]
    redeliveries: int
    interrupted: int
    never_begun: int
    run_again: int
    most_attempts: int
    problems: list[str]

    @property
    def worker_kills(self) -> int:
        return sum(self.kills.get(kind, 0) for kind in ("worker", "worker's child"))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def text(self) -> str:
        rows = [f"{title:<44} {value}" for title, value in self.rows()]
        crashes = [f"by itself: {crash}" for crash in self.crashes]
        return "\n".join([*rows, *crashes, *(f"PROBLEM: {problem}" for problem in self.problems)])

    def rows(self) -> list[tuple[str, str]]:
        return [
            ("stack", self.stack),
            ("jobs (and beat's besides)", f"{self.jobs:,} ({self.beats_jobs:,})"),
            ("seconds", f"{self.seconds:,.0f}"),
            ("jobs per second", f"{self.jobs_per_second:.1f}"),
            ("longest gap without a success, seconds", f"{self.longest_gap:.1f}"),
            *((f"killed: {kind}", f"{times:,}") for kind, times in sorted(self.kills.items())),
            *(
                (f"started again: {kind}", f"{times:,}")
                for kind, times in sorted(self.restarts.items())
            ),
            ("ended although nobody killed it", f"{len(self.crashes)}"),
            ("messages delivered again", f"{self.redeliveries:,}"),
            ("attempts interrupted", f"{self.interrupted:,}"),
            ("of these before their work began", f"{self.never_begun:,}"),
            ("jobs that did their work more than once", f"{self.run_again:,}"),
            ("most attempts of one job", f"{self.most_attempts}"),
            ("lost, or successful twice, or otherwise wrong", f"{len(self.problems)}"),
        ]


def report_on(
    plan: Plan,
    evidence: Evidence,
    *,
    kills: Counter[str],
    restarts: Counter[str],
    crashes: list[str],
    problems: list[str],
) -> Report:
    began = min(job.created_at for job in evidence.jobs.values())
    successes = sorted(job.finished_at for job in evidence.jobs.values() if job.finished_at)
    seconds = (successes[-1] - began).total_seconds() if successes else 0.0
    lost = [
        (task_id, number)
        for task_id, several in evidence.attempts.items()
        for number, outcome in several
        if outcome == "LOST"
    ]
    clients = evidence.clients_jobs
    report = Report(
        stack=plan.stack,
        jobs=len(clients),
        beats_jobs=len(evidence.jobs) - len(clients),
        seed=plan.seed,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        seconds=seconds,
        jobs_per_second=len(clients) / seconds if seconds else 0.0,
        longest_gap=longest_gap([began, *successes]),
        kills=dict(kills),
        restarts=dict(restarts),
        crashes=crashes,
        redeliveries=evidence.redelivered,
        interrupted=len(lost),
        never_begun=sum(
            number not in evidence.begun.get(task_id, [])
            for task_id, number in lost
            if task_id in clients
        ),
        run_again=sum(len(set(several)) > 1 for several in evidence.ended.values()),
        most_attempts=max((len(several) for several in evidence.attempts.values()), default=0),
        problems=problems,
    )
    report.problems.extend(too_mild(report) if plan.is_full else [])
    return report


def machine() -> str:
    versions = [f"{name} {version(name)}" for name in ("celery", "kombu", "django")]
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(versions)}"


def longest_gap(moments: list[datetime]) -> float:
    gaps = ((after - before).total_seconds() for before, after in itertools.pairwise(moments))
    return max(gaps, default=0.0)


def too_mild(report: Report) -> list[str]:
    """In what the run was not as hard as J28 says."""
    figures = [
        ("seconds", report.seconds, LEAST_SECONDS),
        ("kills of workers", report.worker_kills, LEAST_WORKERS),
        ("attempts interrupted", report.interrupted, LEAST_INTERRUPTED),
    ]
    if report.stack == SERVERS:
        figures.append(("restarts of RabbitMQ", report.kills.get("RabbitMQ", 0), LEAST_BROKER))
    return [
        f"Too mild: {value:,.0f} {title}, and at least {least:,} are asked for."
        for title, value, least in figures
        if value < least
    ]
