"""What a run left behind: what the clients were told, the ledger, its copies, the side effects."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.stacks import Stack

#: What the clients submit; beat submits another.
WORK = "tests.support.app.tasks.leave_effects"
JOBS = "SELECT id, task, state, attempt, result, created_at, finished_at FROM jobs_job"
ATTEMPTS = "SELECT job_id, number, outcome FROM jobs_attempt ORDER BY job_id, number"
COPIES = "SELECT task_id, status, result FROM django_celery_results_taskresult"


@dataclass(frozen=True, kw_only=True)
class JobRow:
    task: str
    state: str
    attempt: int
    result: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """``told`` is what each client noted, in its order. The rest is by the job's id.

    ``attempts`` holds (number, outcome) in the order of the numbers, ``begun`` and ``ended`` the
    attempt of each line that the job's work left.
    """

    told: list[str]
    jobs: dict[str, JobRow]
    attempts: dict[str, list[tuple[int, str]]]
    copies: dict[str, tuple[str, str | None]]
    begun: dict[str, list[int]]
    ended: dict[str, list[int]]
    redelivered: int

    @classmethod
    def of(cls, stack: Stack) -> Self:
        data = Path(stack.env["DATA_DIR"])
        attempts: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for task_id, number, outcome in stack.query(ATTEMPTS):
            attempts[task_id].append((number, outcome))
        begun, ended = effects(lines(data / "effects"))
        return cls(
            told=[line for file in sorted((data / "told").iterdir()) for line in lines(file)],
            jobs={row[0]: job_row(row[1:]) for row in stack.query(JOBS)},
            attempts=dict(attempts),
            copies={task_id: (status, result) for task_id, status, result in stack.query(COPIES)},
            begun=begun,
            ended=ended,
            redelivered=len(lines(data / "redelivered")),
        )

    @property
    def clients_jobs(self) -> dict[str, JobRow]:

        return {id_: job for id_, job in self.jobs.items() if job.task == WORK}


def job_row(values: tuple[Any, ...]) -> JobRow:
    task, state, attempt, result, created_at, finished_at = values
    return JobRow(
        task=task,
        state=state,
        attempt=attempt,
        result=result,
        created_at=moment(created_at),
        finished_at=moment(finished_at) if finished_at else None,
    )


def moment(value: Any) -> datetime:
    """SQLite keeps times as texts in UTC."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def effects(noted: list[str]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The attempts that began, and those that came to their end, of each job."""
    found: dict[str, dict[str, list[int]]] = {
        "begins": defaultdict(list),
        "ends": defaultdict(list),
    }
    for line in noted:
        what, task_id, attempt, _ = line.split()
        found[what][task_id].append(int(attempt))
    return dict(found["begins"]), dict(found["ends"])
