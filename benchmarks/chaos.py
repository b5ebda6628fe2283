"""The sections of RESULTS.md on ``make chaos`` and ``make chaos-runs``: the last full run on each stack."""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.record import FOLDER
from tests.chaos.report import Report
from tests.chaos.runs.report import Report as ReportOfRuns
from tests.stacks import EMBEDDED, SERVERS

STACKS = (SERVERS, EMBEDDED)
QUESTION = """What `make chaos` saw: several clients submit jobs, paced, that take up to half a second and leave
a line before and one after their work in a file beside the ledger, while on a seeded random schedule
workers (a child at work, or the main process), the dispatcher, beat, RabbitMQ and PostgreSQL are killed
and started again; embedded, all processes are killed at once and a foreign lock is held on SQLite
instead. Then the ledger is audited against what the clients were told and the lines that the work left:
every accepted job succeeded, once, in an attempt that did all of its work; none is missing or unknown;
every attempt that began has its row; django-celery-results' copies agree."""
OF_RUNS = """What `make chaos-runs` saw: durable runs begin and events come, while workers (a child, or the main process),
the dispatcher, RabbitMQ and PostgreSQL are killed on a seeded random schedule and started again. The runs loop
with waits in between, listen, have children, gather, try again, and begin anew; each step leaves a line in a
file beside the tables, atomic ones also a row. Then all of it is held together: every run succeeded once, with
a result made of what it recorded, and that of what was done; no step began after a later one; each atomic step
left one row; every event was taken once, in its order."""


def section() -> str:
    """Empty where no full run was made yet."""
    of_jobs = [report for name in STACKS if (report := read(Report, f"chaos-{name}"))]
    of_runs = [report for name in STACKS if (report := read(ReportOfRuns, f"chaos-runs-{name}"))]
    parts = [
        one("## chaos", QUESTION, of_jobs, "make chaos"),
        one("## chaos of runs", OF_RUNS, of_runs, "make chaos-runs"),
    ]
    return "\n".join(filter(None, parts))


def one(title: str, question: str, reports: Sequence[Any], command: str) -> str:
    if not reports:
        return ""
    columns = [dict(report.rows()) for report in reports]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    lines = ["| | " + " | ".join(report.stack for report in reports) + " |"]
    lines.append("| --- |" + " ---: |" * len(reports))
    lines += [
        f"| {title} | {' | '.join(column.get(title, '-') for column in columns)} |"
        for title in titles
        if title != "stack"
    ]
    parts = [title, question, "\n".join(lines), *map(problems, reports)]
    return "\n\n".join(part for part in [*parts, measured(reports, command)] if part) + "\n"


def read(kind: Any, name: str) -> Any:
    path = FOLDER / f"{name}.json"
    return kind(**json.loads(path.read_text())) if path.exists() else None


def problems(report: Any) -> str:
    lines = [f"- **{report.stack}**: {problem}" for problem in report.problems]
    return "\n".join(lines)


def measured(reports: Sequence[Any], command: str) -> str:
    lines = [
        f"- {report.measured_at}, {report.machine}; again: `{command} STACK={report.stack} SEED={report.seed}`"
        for report in reports
    ]
    return "\n".join(["### Measured", "", *lines])
