"""The section of RESULTS.md on ``make chaos``: the last full run on each stack."""

import json

from benchmarks.record import FOLDER
from tests.chaos.report import Report
from tests.stacks import EMBEDDED, SERVERS

QUESTION = """What `make chaos` saw: several clients submit jobs, paced, that take up to half a second and leave
a line before and one after their work in a file beside the ledger, while on a seeded random schedule
workers (a child at work, or the main process), the dispatcher, beat, RabbitMQ and PostgreSQL are killed
and started again; embedded, all processes are killed at once and a foreign lock is held on SQLite
instead. Then the ledger is audited against what the clients were told and the lines that the work left:
every accepted job succeeded, once, in an attempt that did all of its work; none is missing or unknown;
every attempt that began has its row; django-celery-results' copies agree."""


def section() -> str:
    """Empty where no full run was made yet."""
    reports = [report for name in (SERVERS, EMBEDDED) if (report := read(name)) is not None]
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
    parts = ["## chaos", QUESTION, "\n".join(lines), *map(problems, reports), measured(reports)]
    return "\n\n".join(part for part in parts if part) + "\n"


def read(stack: str) -> Report | None:
    path = FOLDER / f"chaos-{stack}.json"
    return Report(**json.loads(path.read_text())) if path.exists() else None


def problems(report: Report) -> str:
    lines = [f"- **{report.stack}**: {problem}" for problem in report.problems]
    return "\n".join(lines)


def measured(reports: list[Report]) -> str:
    lines = [
        f"- {report.measured_at}, {report.machine}; again: `make chaos STACK={report.stack} SEED={report.seed}`"
        for report in reports
    ]
    return "\n".join(["### Measured", "", *lines])
