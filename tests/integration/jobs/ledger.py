"""The ledger of a stack as its tests read it, and the notes that the tasks left beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.jobs import helpers
from tests.stacks import Stack
from tests.support.app import tasks

JOB = """
SELECT state, attempt, result, error, error_type, lease_node, due_at, published_at, finished_at
FROM jobs_job WHERE id = %s
"""
ATTEMPTS = """
SELECT number, task, outcome, started_at, ended_at, host, pid, error, traceback
FROM jobs_attempt WHERE job_id = %s
UNION ALL
SELECT attempt, task, 'STARTED', started_at, NULL, lease_node, lease_pid, '', ''
FROM jobs_job WHERE id = %s AND state = 'STARTED' AND lease_node IS NOT NULL ORDER BY 1
"""
COPY = "SELECT status, result, traceback, date_done FROM django_celery_results_taskresult WHERE task_id = %s"

FINAL = {"SUCCESS", "FAILURE", "REVOKED"}
#: A worker may have to start first, on a machine that is busy.
PATIENCE = 40.0


@dataclass(frozen=True, kw_only=True)
class JobRow:
    state: str
    attempt: int
    result: str | None
    error: str
    error_type: str
    lease_node: str | None
    due_at: Any
    published_at: Any
    finished_at: Any


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    number: int
    task: str
    outcome: str
    started_at: Any
    ended_at: Any
    host: str
    pid: int
    error: str
    traceback: str


class Ledger:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @property
    def data(self) -> Path:
        return Path(self.stack.env["DATA_DIR"])

    # --- submitting ------------------------------------------------------------------------------
    def submit(self, task: Any, *args: Any, **options: Any) -> str:
        """Submit a task of ``tests.support.app.tasks`` in the stack's process; its job's id."""
        return str(self.stack.call(helpers.submit, task.name, list(args), **options))

    def open(self, gate: str) -> None:
        (self.data / gate).touch()

    # --- reading ---------------------------------------------------------------------------------
    def job(self, task_id: str) -> JobRow | None:
        rows = self.stack.query(JOB, [task_id])
        return row(JobRow, rows[0]) if rows else None

    def attempts(self, task_id: str) -> list[AttemptRow]:
        return [
            row(AttemptRow, values) for values in self.stack.query(ATTEMPTS, [task_id, task_id])
        ]

    def copy(self, task_id: str) -> tuple[Any, ...] | None:
        """The row that django-celery-results shows."""
        rows = self.stack.query(COPY, [task_id])
        return rows[0] if rows else None

    def count(self) -> int:
        return int(self.stack.query("SELECT count(*) FROM jobs_job")[0][0])

    def notes(self) -> list[str]:
        path = self.data / "notes"
        return path.read_text().splitlines() if path.exists() else []

    def messages(self, queue: str = "default") -> int:
        """How many messages wait in the broker; what was submitted until now is sent first."""
        return int(self.stack.call(helpers.messages_waiting, queue))

    # --- waiting ---------------------------------------------------------------------------------
    def wait_for_state(self, task_id: str, *states: str, timeout: float = PATIENCE) -> JobRow:
        def reached() -> JobRow | None:
            job = self.job(task_id)
            return job if job and job.state in states else None

        what = f"job {task_id} is {' or '.join(states)}; it is {self.job(task_id)}"
        found = self.stack.wait_for(reached, timeout, what)
        assert found
        return found

    def wait_until_final(self, task_id: str, timeout: float = PATIENCE) -> JobRow:
        return self.wait_for_state(task_id, *sorted(FINAL), timeout=timeout)

    def wait_until_sent(self, task_id: str) -> None:
        """Return when the broker has the job's message and its row says so."""

        def is_sent() -> bool:
            job = self.job(task_id)
            return job is not None and job.published_at is not None

        self.stack.wait_for(is_sent, PATIENCE, f"job {task_id} is sent")

    def wait_for_note(self, line: str, timeout: float = PATIENCE) -> None:
        self.stack.wait_for(lambda: line in self.notes(), timeout, f"a task noted {line!r}")

    def drain(self) -> None:
        """Return when a job submitted now has run: what was before it in the queue is through."""
        marker = self.submit(tasks.add, 1, 1)
        assert self.wait_until_final(marker).state == "SUCCESS"


def row(kind: Any, values: tuple[Any, ...]) -> Any:
    return kind(**dict(zip(kind.__dataclass_fields__, values, strict=True)))
