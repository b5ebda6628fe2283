"""What an attempt says becomes lines with their time and level, in the task's file and in the ledger."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.task_log import files
from celery_uncovered.jobs.task_log.lines import LONGEST_LINE, lines_of, plain
from celery_uncovered.jobs.task_log.pending import Key
from celery_uncovered.jobs.task_log.writer import writer

#: The lines of one text but for the first: no text can look like another one's beginning.
INDENT = "    "


class _Own(threading.local):
    #: This thread is at work for a log, and what it says meanwhile is not for that log.
    is_busy = False


_own = _Own()


@contextmanager
def unheard() -> Iterator[None]:
    """What this thread says within is in no task's log."""
    before, _own.is_busy = _own.is_busy, True
    try:
        yield
    finally:
        _own.is_busy = before


def record(attempt: RunningAttempt, level: str, text: Callable[[], str]) -> None:
    """Add a text to the log of the attempt; ``text`` is called once, if at all."""
    if not _own.is_busy:
        with unheard():
            _add(attempt, level, text())


def record_part(attempt: RunningAttempt, stream: str, text: str) -> None:
    """Add what is printed to ``stream``, as soon as its lines are whole."""
    if not _own.is_busy:
        with unheard():
            whole = writer().log_of(attempt).join(stream, text, LONGEST_LINE)
            # A progress bar returns to its line's beginning before there is anything.
            if whole and whole != "\r":
                _add(attempt, stream, whole, each=True)


def record_error(attempt: RunningAttempt, error: Any, traceback: str | None) -> None:
    """Add the exception that ends the attempt, once; Celery's own report of it is not heard."""
    if not attempt.has_told_error:
        attempt.has_told_error = True
        record(attempt, "ERROR", lambda: traceback or f"{type(error).__name__}: {error}")


def end(attempt: RunningAttempt) -> None:
    """Have all that the attempt said in the ledger; to be called before its end is recorded there."""
    end_all([(attempt.task_id, attempt.number)])


def end_all(keys: Iterable[Key]) -> None:
    """As ``end``, for attempts by their job's id and their number."""
    logs = writer().known(keys)
    if not logs:
        return
    with unheard():
        for log in logs:
            for stream, text in log.rests():
                _add(log.attempt, stream, text, each=True)
        writer().end(logs)


def write_all() -> None:
    """Have in the ledger what was said so far."""
    with unheard():
        writer().write_all()


def _add(attempt: RunningAttempt, level: str, text: str, *, each: bool = False) -> None:
    """``each`` line is one of its own; else the others belong to the first."""
    lines = lines_of(text)
    start = f"{_stamp(time.time())} {level}"
    files.append_lines(
        attempt.task,
        [f"{start} {_word(attempt.task_id)} {attempt.number} {line}" for line in lines],
    )
    before = f"{start} "
    rest = before if each else INDENT
    writer().add(attempt, [before + lines[0], *(rest + line for line in lines[1:])])


def _stamp(now: float) -> str:
    """In UTC, to the millisecond."""
    seconds, fraction = divmod(now, 1)
    return f"{_second(int(seconds))}.{int(fraction * 1000):03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@lru_cache(maxsize=64)
def _word(task_id: str) -> str:
    """An id as one word; a caller may choose any text for it."""
    return re.sub(r"\s", "_", plain(task_id))
