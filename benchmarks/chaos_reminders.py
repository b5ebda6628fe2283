"""The section of RESULTS.md on chaos for the reminders: the last full run on each stack."""

import json

from benchmarks.record import FOLDER
from tests.chaos.reminders.run import Report
from tests.stacks import EMBEDDED, SERVERS

QUESTION = """What `python -m tests.chaos.reminders` saw: webhooks over HTTP open, close, merge and reopen twenty
pull requests within two simulated weeks, which pass six hours at a time; some deliveries come again, under their
GUID or another. At random moments web, workers (processes, one of their children, threads), the dispatcher and the
chat are killed and started again. Then the chat is audited: each time that a pull request was open it had one
channel, with its link, one reminder on each day and its summary, each by a step of its own, and nothing else; all
of them archived; each run succeeded."""


def section() -> str:
    """Empty where no full run was made yet."""
    reports = [report for name in (SERVERS, EMBEDDED) if (report := read(name)) is not None]
    if not reports:
        return ""
    columns = [rows(report) for report in reports]
    lines = ["| | " + " | ".join(report.stack for report in reports) + " |"]
    lines.append("| --- |" + " ---: |" * len(reports))
    lines += [
        f"| {title} | {' | '.join(column[title] for column in columns)} |" for title in columns[0]
    ]
    parts = ["## chaos for reminders", QUESTION, "\n".join(lines), problems(reports)]
    return "\n\n".join([*filter(None, parts), measured(reports)]) + "\n"


def rows(report: Report) -> dict[str, str]:
    kills = ", ".join(f"{role} {count}" for role, count in sorted(report.kills.items()))
    return {
        "pull requests, simulated days": f"{report.pulls}, {report.days}",
        "seconds": f"{report.seconds:,.0f}",
        "killed": kills,
        "webhooks taken (sent)": f"{report.webhooks['taken']} ({report.webhooks['tried']})",
        "channels, reminders, messages": f"{report.channels}, {report.reminders}, {report.messages}",
        "steps tried again": str(report.counts["steps_tried_again"]),
        "runs taken over": str(report.counts["runs_taken_over"]),
        "doubled, lost, late": "none" if not report.problems else "see below",
    }


def read(stack: str) -> Report | None:
    path = FOLDER / f"reminders-{stack}.json"
    return Report(**json.loads(path.read_text())) if path.exists() else None


def problems(reports: list[Report]) -> str:
    return "\n".join(
        f"- **{report.stack}**: {problem}" for report in reports for problem in report.problems
    )


def measured(reports: list[Report]) -> str:
    command = "python -m tests.chaos.reminders"
    lines = [
        f"- {report.measured_at}, {report.machine}; again: `{command} --stack {report.stack} --seed {report.seed}`"
        for report in reports
    ]
    return "\n".join(["### Measured", "", *lines])
