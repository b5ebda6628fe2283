"""What the children of a worker tell its main process without a message: a board in shared memory.

Each batch on its way to a child has a slot. The child writes which job it begins, and when; the
main process reads it to enforce limits, and after a crash to know whom to charge. Memory that is
shared outlives the child, whatever killed it.
"""

import mmap
import os
import time
from dataclasses import dataclass

#: More than the batches that are ever on their way at once.
SLOTS = 256
#: Bytes for the results of a batch that are not recorded yet: two halves, one of which is being recorded.
SPOOL = 128 * 1024
_WIDTH = 16
_PID, _BEGUN, _BEGUN_AT, _DONE, _DURABLE, _KEPT, _RECALLED, _HALF, _LENGTH, _OTHER = range(10)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a slot says.

    ``begun`` is the index of the job that runs, or ran last, None before the first; ``begun_at`` is
    on the monotonic clock, in seconds. The first ``done`` jobs have run, and the results of the first
    ``durable`` are stored. Jobs from index ``kept`` on are not the child's any more: it gave them
    back unstarted.
    """

    pid: int
    begun: int | None
    begun_at: float
    done: int
    durable: int
    kept: int

    @property
    def is_running(self) -> bool:
        """Whether a job runs; between two, results are recorded, which is no job's time."""
        return self.begun is not None and self.begun >= self.done


class Board:
    """Slots of 64-bit numbers; each is written by one process at a time, a whole number at once."""

    def __init__(self, slots: int = SLOTS) -> None:
        self._numbers = memoryview(mmap.mmap(-1, slots * _WIDTH * 8)).cast("q")
        self._spools = mmap.mmap(-1, slots * SPOOL)
        # The first row is for all: whether the worker is about to end.
        self._free = list(range(1, slots))
        self._taken: set[int] = set()

    # --- both sides ---------------------------------------------------------------------------------
    @property
    def is_stopping(self) -> bool:
        return bool(self._numbers[0])

    def stop(self) -> None:
        """Tell the children to begin nothing new."""
        self._numbers[0] = 1

    # --- the main process ---------------------------------------------------------------------------
    def take_slot(self, size: int) -> int:
        """A slot for a batch of ``size`` jobs. Raises IndexError when all are taken."""
        slot = self._free.pop()
        self._taken.add(slot)
        at = slot * _WIDTH
        for column in range(_WIDTH):
            self._numbers[at + column] = 0
        self._numbers[at + _KEPT] = size
        return slot

    def spooled(self, slot: int) -> list[bytes]:
        """The lines of results that a dead child had not recorded, or not said so."""
        at = slot * _WIDTH
        lengths = {self._numbers[at + _HALF]: self._numbers[at + _LENGTH]}
        lengths[1 - self._numbers[at + _HALF]] = self._numbers[at + _OTHER]
        lines: list[bytes] = []
        for half, length in lengths.items():
            start = slot * SPOOL + half * (SPOOL // 2)
            lines += self._spools[start : start + length].splitlines()
        return lines

    def free_slot(self, slot: int) -> None:
        self._taken.discard(slot)
        self._free.append(slot)

    def recall(self, slot: int) -> None:
        """Ask the child for the jobs that it has not begun: another one has time."""
        self._numbers[slot * _WIDTH + _RECALLED] = 1

    def pids(self) -> set[int]:
        """The children that have a batch, or died with one that is not recovered yet."""
        return {self._numbers[slot * _WIDTH + _PID] for slot in tuple(self._taken)}

    def read(self, slot: int) -> Notice:
        row = self._numbers[slot * _WIDTH : (slot + 1) * _WIDTH].tolist()
        return Notice(
            pid=row[_PID],
            begun=row[_BEGUN] - 1 if row[_BEGUN] else None,
            begun_at=row[_BEGUN_AT] / 1e9,
            done=row[_DONE],
            durable=row[_DURABLE],
            kept=row[_KEPT],
        )

    # --- the child ----------------------------------------------------------------------------------
    def open(self, slot: int) -> None:
        self._numbers[slot * _WIDTH + _PID] = os.getpid()

    def is_recalled(self, slot: int) -> bool:
        return self.is_stopping or bool(self._numbers[slot * _WIDTH + _RECALLED])

    def begin(self, slot: int, index: int) -> None:
        at = slot * _WIDTH
        # The time first: an earlier job's begin beside a later index would look overdue.
        self._numbers[at + _BEGUN_AT] = time.monotonic_ns()
        self._numbers[at + _BEGUN] = index + 1

    def end(self, slot: int, index: int) -> None:
        self._numbers[slot * _WIDTH + _DONE] = index + 1

    def note_durable(self, slot: int, count: int) -> None:
        self._numbers[slot * _WIDTH + _DURABLE] = count

    def note_kept(self, slot: int, count: int) -> None:
        self._numbers[slot * _WIDTH + _KEPT] = count

    def spool(self, slot: int, line: bytes) -> bool:
        """Keep a result that is not recorded yet; False when there is no room, and it is not kept."""
        at = slot * _WIDTH
        length = self._numbers[at + _LENGTH]
        if length + len(line) + 1 > SPOOL // 2:
            return False
        start = slot * SPOOL + self._numbers[at + _HALF] * (SPOOL // 2) + length
        self._spools[start : start + len(line) + 1] = line + b"\n"
        # The length last: half a line does not count.
        self._numbers[at + _LENGTH] = length + len(line) + 1
        return True

    def turn_spool(self, slot: int) -> None:
        """Begin the other half: what is in this one is about to be recorded."""
        at = slot * _WIDTH
        length = self._numbers[at + _LENGTH]
        self._numbers[at + _OTHER] = length
        self._numbers[at + _LENGTH] = 0
        self._numbers[at + _HALF] = 1 - self._numbers[at + _HALF]

    def clear_spool(self, slot: int) -> None:
        """What was in the other half is recorded."""
        self._numbers[slot * _WIDTH + _OTHER] = 0


_board: Board | None = None


def lay_out() -> Board:
    """Make the board of this worker, before its children are forked."""
    global _board  # noqa: PLW0603  # inherited by forked children: that is its point
    _board = Board()
    return _board


def has_board() -> bool:
    return _board is not None


def pids_with_a_batch() -> set[int]:
    return _board.pids() if _board is not None else set()


def worker_board() -> Board:
    """The board of this worker. Raises RuntimeError outside of a worker."""
    if _board is None:
        message = "Only a worker has a board."
        raise RuntimeError(message)
    return _board
