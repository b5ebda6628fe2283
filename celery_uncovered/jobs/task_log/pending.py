"""What an attempt said and the ledger does not have yet: bounded, however long the ledger is away."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from celery_uncovered.jobs.current import RunningAttempt

#: Bytes of one row at most, and its share of what is kept of a log.
LARGEST_ROW, SHARE = 16 * 1024, 8
#: How a line ends that is longer than a row.
CUT = " [cut]"
Key = tuple[str, int]


class Line(NamedTuple):
    """``start`` and ``end`` count the bytes that the attempt logged, ``number`` counts its lines."""

    start: int
    end: int
    number: int
    text: str


class Bounds(NamedTuple):
    """How many bytes of a job's log are kept: of its beginning, of its end, and of one row."""

    head: int
    tail: int
    row: int

    @classmethod
    def of(cls, limit: int) -> "Bounds":
        """All of it at most ``limit``: rows go whole, so that either part may be one row longer."""
        head, row = limit // 2, min(LARGEST_ROW, limit // SHARE)
        return cls(head, limit - head - 2 * row, row)


class AttemptLog:
    """One attempt's lines on their way to the ledger; any thread may add some."""

    def __init__(self, attempt: RunningAttempt, bounds: Bounds) -> None:
        self.attempt = attempt
        self.key: Key = (attempt.task_id, attempt.number)
        self.bounds = bounds
        #: Bytes and lines that the job has logged before this; None where only the ledger knows.
        self.base: tuple[int, int] | None = None
        if attempt.number == 1 and not attempt.has_log:
            self.base = (0, 0)
        #: Nothing more is expected: it has ended, and what is said after that comes late.
        self.has_ended = attempt.has_log
        self._is_closed = False
        self._lock = threading.Lock()
        self._end = self._lines = 0
        self._head: list[Line] = []
        self._tail: deque[Line] = deque()
        self._tail_bytes = 0
        #: The beginnings of lines, by the stream and the thread that will end them.
        self._partial: dict[tuple[str, int], str] = {}

    def add(self, texts: Iterable[str]) -> bool:
        """False, and nothing is added, to one that was closed."""
        with self._lock:
            if self._is_closed:
                return False
            for text in texts:
                kept, size = _cut(text, self.bounds.row)
                line = Line(self._end, self._end + size, self._lines, kept)
                self._end, self._lines = line.end, self._lines + 1
                self._keep(line)
        return True

    def close(self) -> bool:
        """Take nothing more; False where something is pending, or expected."""
        with self._lock:
            self._is_closed = self.has_ended and not (self._head or self._tail)
            return self._is_closed

    def take(self) -> list[Line]:
        """What is pending, which the caller writes, or gives back."""
        with self._lock:
            taken = [*self._head, *self._tail]
            self._head, self._tail, self._tail_bytes = [], deque(), 0
            return taken

    def give_back(self, lines: list[Line]) -> None:
        with self._lock:
            newer = [*self._head, *self._tail]
            self._head, self._tail, self._tail_bytes = [], deque(), 0
            for line in [*lines, *newer]:
                self._keep(line)

    def _keep(self, line: Line) -> None:
        if line.start < self.bounds.head:
            self._head.append(line)
            return
        self._tail.append(line)
        self._tail_bytes += line.end - line.start
        # The newest line stays in any case.
        while self._tail_bytes > self.bounds.tail and len(self._tail) > 1:
            gone = self._tail.popleft()
            self._tail_bytes -= gone.end - gone.start

    # --- lines that are printed bit by bit ----------------------------------------------------------
    def join(self, stream: str, text: str, longest: int) -> str:
        """The lines that ``text`` ends, with what came before it; the rest waits for its end."""
        key = (stream, threading.get_ident())
        with self._lock:
            joined = self._partial.pop(key, "") + text
            # A carriage return ends a line too, as those of progress bars do; the last one may be half
            # of an end.
            end = max(joined.rfind("\n"), joined.rfind("\r", 0, -1)) + 1
            if len(joined) - end > longest:
                return joined
            if end < len(joined):
                self._partial[key] = joined[end:]
            return joined[:end]

    def rests(self) -> list[tuple[str, str]]:
        """The lines that nobody ended, with their streams; they are not waited for any more."""
        with self._lock:
            rests = [(stream, text) for (stream, _), text in self._partial.items()]
            self._partial.clear()
            return rests


def in_rows(lines: list[Line], largest: int) -> list[list[Line]]:
    """Lines that follow each other without a gap together, up to ``largest`` bytes."""
    rows: list[list[Line]] = []
    for line in lines:
        last = rows[-1] if rows else []
        if last and last[-1].end == line.start and line.end - last[0].start <= largest:
            last.append(line)
        else:
            rows.append([line])
    return rows


def _cut(text: str, largest: int) -> tuple[str, int]:
    """The text, or the beginning of it, and the bytes that it takes with its newline, ``largest`` at most."""
    encoded = text.encode()
    if len(encoded) >= largest:
        encoded = encoded[: max(0, largest - len(CUT.encode()) - 1)]
        text = encoded.decode(errors="ignore") + CUT
    return text, len(text.encode()) + 1
