"""Reading the log of a job as it grows: from an offset on, or its end."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from celery_uncovered.jobs.models import LogPart


@dataclass(frozen=True, kw_only=True)
class LogPiece:
    """Whole lines of one attempt, after ``left_out`` bytes, and ``lines_left_out``, that are not kept."""

    attempt: int
    text: str = ""
    left_out: int = 0
    lines_left_out: int | None = 0


@dataclass(frozen=True, kw_only=True)
class JobLog:
    """What a job's log has from ``offset`` to ``next_offset``, which is where to go on; in bytes."""

    offset: int
    next_offset: int
    pieces: tuple[LogPiece, ...]


def read_log(task_id: str, offset: int = 0) -> JobLog:
    """What the job logged after the first ``offset`` bytes of its log, as far as it is kept."""
    parts = LogPart.objects.filter(job_id=task_id)
    rows = parts.filter(end__gt=offset).order_by("start", "attempt")
    before = parts.filter(end=offset).first() if offset else None
    return _joined(rows, offset, before)


def read_end(task_id: str, size: int) -> JobLog:
    """About the last ``size`` bytes of the job's log: whole lines."""
    parts = LogPart.objects.filter(job_id=task_id)
    end = parts.order_by("-end").values_list("end", flat=True).first() or 0
    rows = list(parts.filter(end__gt=end - size).order_by("start", "attempt"))
    return _joined(rows, rows[0].start if rows else 0, None)


def _joined(rows: Iterable[LogPart], offset: int, before: LogPart | None) -> JobLog:
    """Rows that follow each other make one piece."""
    pieces: list[LogPiece] = []
    texts: list[str] = []
    position = offset

    def end_piece() -> None:
        if texts:
            pieces[-1] = replace(pieces[-1], text="".join(texts))
            texts.clear()

    for row in rows:
        gap = max(0, row.start - position)
        if gap or not pieces or pieces[-1].attempt != row.attempt:
            end_piece()
            lines = _lines_between(before, row, position) if gap else 0
            pieces.append(LogPiece(attempt=row.attempt, left_out=gap, lines_left_out=lines))
        texts.append(_from(row.text, offset - row.start))
        position, before = max(position, row.end), row
    end_piece()
    return JobLog(offset=offset, next_offset=position, pieces=tuple(pieces))


def _lines_between(before: LogPart | None, row: LogPart, position: int) -> int | None:
    """How many lines a gap has; None where it is not known how many the reader has seen."""
    if before is not None:
        return row.first_line - before.first_line - before.lines
    return None if position else row.first_line


def _from(text: str, skipped: int) -> str:
    return text if skipped <= 0 else text.encode()[skipped:].decode(errors="ignore")
