"""Who a worker is: host, boot, process id and start time.

The start time tells a process from one that had the same id before.
"""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
#: How many things an ``Identity.id`` tells.
_PARTS = 4


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One process on one boot of one host. ``id`` holds all four in one text."""

    host: str
    boot_id: str
    pid: int
    process_start: str

    @property
    def id(self) -> str:
        return f"{self.host}:{self.boot_id}:{self.pid}:{self.process_start}"


def host_of(node_id: str) -> str:
    """The host in an ``Identity.id``."""
    return node_id.partition(":")[0]


def identity_of(node_id: str) -> Identity | None:
    """The process whose ``Identity.id`` this is; None for another text."""
    parts = node_id.split(":")
    if len(parts) != _PARTS or not parts[2].isdigit():
        return None
    host, boot, pid, start = parts
    return Identity(host=host, boot_id=boot, pid=int(pid), process_start=start)


@cache
def boot_id() -> str:
    """The boot of this host, as the processes of this namespace (a container) see it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return "unknown"


def process_start(pid: int) -> str | None:
    """The start time of process ``pid`` in clock ticks since boot; None if there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command name is in brackets and may hold blanks; the 22nd field is the start time.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def is_gone(pid: int) -> bool:
    """Whether process ``pid`` of this host is no more; False where processes are not shown."""
    return process_start(pid) is None and process_start(os.getpid()) is not None


def identify(pid: int | None = None) -> Identity:
    pid = pid or os.getpid()
    return Identity(
        host=socket.gethostname(),
        boot_id=boot_id(),
        pid=pid,
        process_start=process_start(pid) or "",
    )


def is_surely_dead(identity: Identity) -> bool:
    """Whether this host knows that the process is gone; False where it cannot know."""
    here = socket.gethostname() == identity.host and boot_id() == identity.boot_id
    # Where even process 1 is hidden, others may be too.
    if not here or boot_id() == "unknown" or not (_PROC / "1").exists():
        return False
    return process_start(identity.pid) != identity.process_start


_worker: Identity | None = None


def become_worker() -> Identity:
    """Make this process the node that its children (forked later) claim for."""
    global _worker  # noqa: PLW0603  # inherited by forked children: that is its point
    _worker = identify()
    return _worker


def is_worker() -> bool:
    """Whether this process is a worker's main process, which forks."""
    return _worker is not None and _worker.pid == os.getpid()


def worker_node() -> Identity:
    """The node to claim for: the worker's main process, or this process where it is none."""
    return _worker or identify()
