"""Where the time of a report goes: ``python -m benchmarks.breakdown servers|embedded``.

From the ledger's attempts, the stand-in's requests and the client's clock; all are of one machine.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks import report_project, servers
from benchmarks.report_project import Made
from benchmarks.report_standin import Fetched, StandIn
from tests.stacks import EMBEDDED, SERVERS, Stack

WARM_UPS = 5
#: The tasks of a report.
PRODUCE, FETCH, BUILD = (
    f"celery_uncovered.toyex.tasks.{name}"
    for name in ("produce_hot_repo_report_task", "fetch_hot_repos", "build_report_task")
)
#: The milestones of a report, and what each says.
MILESTONES = {
    "submitted": "its job is in the ledger",
    "produce_started": "`produce_hot_repo_report_task` starts",
    "parts_submitted": "the last of its five parts is in the ledger",
    "produce_ended": "it has handed over to the chord",
    "first_part_started": "the first part starts",
    "last_part_started": "the last part starts",
    "first_page_asked": "the stand-in gets the first request",
    "last_page_answered": "the stand-in has answered the last one",
    "last_part_ended": "the last part's end is recorded",
    "build_started": "`build_report_task` starts",
    "finished": "the report's end is recorded",
    "seen": "the client reads SUCCESS",
}

JOBS = """
SELECT id, task, created_at, finished_at FROM jobs_job WHERE id = %s OR root_id = %s
"""
ATTEMPTS = """
SELECT attempt.task, attempt.started_at, attempt.ended_at
FROM jobs_attempt AS attempt JOIN jobs_job AS job ON job.id = attempt.job_id
WHERE job.id = %s OR job.root_id = %s
"""


def milestones(stack: Stack, made: Made, fetched: Fetched) -> dict[str, float]:
    """Seconds from the click to each of MILESTONES."""
    jobs = stack.query(JOBS, (made.task_id, made.task_id))
    attempts = stack.query(ATTEMPTS, (made.task_id, made.task_id))
    produced, parts, built = (of_task(attempts, task) for task in (PRODUCE, FETCH, BUILD))
    (own,) = (job for job in jobs if job[0] == made.task_id)
    moments = {
        "submitted": seconds(own[2]),
        "produce_started": min(start for start, _ in produced),
        "parts_submitted": max(seconds(job[2]) for job in jobs if job[1] == FETCH),
        "produce_ended": max(end for _, end in produced),
        "first_part_started": min(start for start, _ in parts),
        "last_part_started": max(start for start, _ in parts),
        "first_page_asked": fetched.first_started,
        "last_page_answered": fetched.last_ended,
        "last_part_ended": max(end for _, end in parts),
        "build_started": min(start for start, _ in built),
        "finished": seconds(own[3]),
        "seen": made.seen,
    }
    return {name: moment - made.clicked for name, moment in moments.items()}


def of_task(attempts: Sequence[tuple[Any, ...]], task: str) -> list[tuple[float, float]]:
    """Start and end of its attempts."""
    return [(seconds(start), seconds(end)) for name, start, end in attempts if name == task]


def seconds(moment: datetime | str) -> float:
    """Since 1970; SQLite's moments are texts in UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def timetable(samples: Mapping[str, Sequence[float]]) -> str:
    """Medians as a table in Markdown: milliseconds since the click, and since the line before."""
    lines = ["| ms | + | |", "| ---: | ---: | --- |"]
    medians = {name: statistics.median(samples[name]) for name in MILESTONES}
    before = 0.0
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        since = 1000 * (median - before)
        lines.append(f"| {1000 * median:.1f} | {since:.1f} | {MILESTONES[name]} |")
        before = median
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.breakdown", description=__doc__)
    parser.add_argument("stack", choices=[SERVERS, EMBEDDED])
    parser.add_argument("--reports", type=int, default=1, help="the medians of how many; 1")
    options = parser.parse_args()
    with servers.opened():
        found = measured(options.stack, options.reports)
    print(timetable({name: [one[name] for one in found] for name in MILESTONES}))


def measured(name: str, reports: int) -> list[dict[str, float]]:
    standin = StandIn(report_project.new_folder("standin"), {"LANG": "C.UTF-8"})
    with report_project.running(name, standin.url) as (stack, client):
        for _ in range(WARM_UPS):
            client.make_report()
        return [one_report(stack, client, standin) for _ in range(reports)]


def one_report(stack: Stack, client: report_project.Client, standin: StandIn) -> dict[str, float]:
    standin.forget()
    made = client.make_report()
    return milestones(stack, made, standin.fetched())


if __name__ == "__main__":
    main()
