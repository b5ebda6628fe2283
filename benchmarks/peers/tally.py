"""How often the peers' jobs ran, and when: a file in shared memory, of which each process has a slot."""

import mmap
import os
import time
from pathlib import Path

#: Two living processes with the same remainder of their ids would share a slot; nobody has so many.
SLOTS = 4096


class Tally:
    """The path is an existing file of zeros (``create``). Moments are those of ``time.monotonic``."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0))
        third = 8 * SLOTS
        self._counts = view[:third].cast("Q")
        self._firsts = view[third : 2 * third].cast("d")
        self._lasts = view[2 * third :].cast("d")

    @classmethod
    def create(cls, path: Path) -> "Tally":
        path.write_bytes(bytes(3 * 8 * SLOTS))
        return cls(path)

    def add(self) -> None:
        """One more job ran, now, in this process."""
        slot, now = os.getpid() % SLOTS, time.monotonic()
        if not self._counts[slot]:
            self._firsts[slot] = now
        self._lasts[slot] = now
        self._counts[slot] += 1

    def count(self) -> int:
        return sum(self._counts.tolist())

    def first(self) -> float:
        return min(moment for moment in self._firsts.tolist() if moment)

    def last(self) -> float:
        return max(self._lasts.tolist())


def opened() -> Tally:
    """That of the benchmark which started this process."""
    return Tally(Path(os.environ["PEER_TALLY"]))
