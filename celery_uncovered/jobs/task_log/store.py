"""The logs of jobs in the ledger: rows of whole lines, the first and the last of each job."""

from collections.abc import Sequence

from celery_uncovered.jobs.models import LogPart
from celery_uncovered.jobs.task_log.pending import AttemptLog, Line, in_rows

Taken = tuple[AttemptLog, list[Line]]


def write(taken: Sequence[Taken]) -> None:
    """Write the lines of several attempts in one statement; again changes nothing.

    What a job has beyond its bounds, between the first and the last of it, is removed.
    """
    rows = [row for log, lines in taken for row in _rows_of(log, lines)]
    # A commit whose answer was lost is tried again.
    LogPart.objects.bulk_create(rows, ignore_conflicts=True)
    for log, lines in taken:
        _remove_the_middle(log, lines[-1].end)


def _rows_of(log: AttemptLog, lines: list[Line]) -> list[LogPart]:
    start, number = log.base = log.base or _so_far(log.key[0])
    return [
        LogPart(
            job_id=log.key[0],
            attempt=log.key[1],
            start=start + row[0].start,
            end=start + row[-1].end,
            first_line=number + row[0].number,
            lines=len(row),
            text="".join(f"{line.text}\n" for line in row),
        )
        for row in in_rows(lines, log.bounds.row)
    ]


def _so_far(task_id: str) -> tuple[int, int]:
    """How many bytes and lines the job's log has had."""
    last = LogPart.objects.filter(job_id=task_id).order_by("-end").first()
    return (last.end, last.first_line + last.lines) if last else (0, 0)


def _remove_the_middle(log: AttemptLog, end: int) -> None:
    head, tail, _ = log.bounds
    end += (log.base or (0, 0))[0]
    if end > head + tail:
        LogPart.objects.filter(job_id=log.key[0], start__gte=head, end__lte=end - tail).delete()
