"""What the page of a job shows of its log."""

import re
from dataclasses import dataclass

from celery_uncovered.jobs.task_log.tail import JobLog, LogPiece, read_end, read_log

#: About how much of a log a page begins with, in bytes; the whole of it is a file to download.
SHOWN = 32 * 1024
#: The first line of a text; the others are indented.
FIRST = re.compile(r"(\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d\.\d{3})Z) (\w+) (.*)")


@dataclass(frozen=True, kw_only=True)
class LineView:
    """``moment`` and ``time`` of day are UTC; they and the level are empty for what goes on a line."""

    text: str
    moment: str = ""
    time: str = ""
    level: str = ""


@dataclass(frozen=True, kw_only=True)
class PieceView:
    piece: LogPiece
    lines: tuple[LineView, ...]


@dataclass(frozen=True, kw_only=True)
class LogView:
    log: JobLog
    pieces: tuple[PieceView, ...]


def log_end(task_id: str) -> LogView:
    return _view(read_end(task_id, SHOWN))


def log_from(task_id: str, offset: int) -> LogView:
    return _view(read_log(task_id, offset))


def _view(log: JobLog) -> LogView:
    pieces = [
        PieceView(piece=one, lines=tuple(_line(text) for text in one.text.split("\n")[:-1]))
        for one in log.pieces
    ]
    return LogView(log=log, pieces=tuple(pieces))


def _line(text: str) -> LineView:
    found = FIRST.fullmatch(text)
    if found is None:
        return LineView(text=text)
    moment, time, level, rest = found.groups()
    return LineView(text=rest, moment=moment, time=time, level=level)
