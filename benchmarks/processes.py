"""Processor time and memory of running processes, from /proc (Linux)."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.servers.processes import stat

TICKS = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat from the state on: the parent, ticks, own and of children that ended, and threads.
PARENT, USER, SYSTEM, THREADS = 1, (11, 13), (12, 14), 17
#: Fields of /proc/net/tcp.
REMOTE, STATE, INODE, ESTABLISHED = 2, 3, 9, "01"


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Seconds of processor time."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def __add__(self, other: Self) -> "Processor":
        return Processor(user=self.user + other.user, system=self.system + other.system)

    def __sub__(self, other: Self) -> "Processor":
        return Processor(user=self.user - other.user, system=self.system - other.system)


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    parents = {
        int(path.name): int(fields[PARENT])
        for path in Path("/proc").glob("[0-9]*")
        if (fields := stat(int(path.name)))
    }
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def processor(pids: Iterable[int]) -> Processor:
    """What they have used so far, and their children that have ended and been waited for."""
    used = [fields for pid in pids if (fields := stat(pid))]
    return Processor(
        user=sum(int(fields[place]) for fields in used for place in USER) / TICKS,
        system=sum(int(fields[place]) for fields in used for place in SYSTEM) / TICKS,
    )


def megabytes(pids: Iterable[int]) -> float:
    """The memory that is theirs: what several share is divided among them (PSS)."""
    return sum(map(_pss, pids)) / 1024


def threads(pid: int) -> int:
    """How many it has; 0 if it has ended."""
    fields = stat(pid)
    return int(fields[THREADS]) if fields else 0


def connections(pid: int, port: int) -> int:
    """How many it has with a server on this port of IPv4's loopback."""
    held = {_target(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        one[REMOTE].endswith(f":{port:04X}")
        and one[STATE] == ESTABLISHED
        and f"socket:[{one[INODE]}]" in held
        for one in lines
    )


def _target(path: Path) -> str:
    with contextlib.suppress(OSError):
        return str(path.readlink())
    return ""


def _pss(pid: int) -> int:
    """In KiB; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
