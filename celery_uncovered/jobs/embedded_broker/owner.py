"""Who holds a message: one process, of one boot, of one host."""

import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
HAS_PROC = Path("/proc/self/stat").exists()


def current_owner() -> str:
    """The folder name of this process: ``<host>,<boot id>,<pid>,<start time>``."""
    return _owner(os.getpid())


def is_gone(owner: str) -> bool:
    """Whether the process named ``owner`` has certainly ended.

    False for a process of another host, and for a name that no owner wrote: what cannot
    be judged from here is left alone. A zombie has ended. A new process that was given
    an old pid is told apart by its start time.
    """
    try:
        host, boot, pid, start = owner.split(",")
        number = int(pid)
    except ValueError:
        return False
    if host != _host():
        return False
    return boot != _boot() or start != _start_of(number)


@lru_cache(maxsize=1)
def _owner(pid: int) -> str:
    # Cached by pid, so that a forked child gets a name of its own.
    return f"{_host()},{_boot()},{pid},{_start_of(pid)}"


@lru_cache(maxsize=1)
def _host() -> str:
    return quote(socket.gethostname(), safe="")


@lru_cache(maxsize=1)
def _boot() -> str:
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    return "unknown"


def _start_of(pid: int) -> str | None:
    """When ``pid`` started (ticks since boot), ``"running"`` without /proc, None if it ended."""
    return _start_in_proc(pid) if HAS_PROC else _signalled(pid)


def _start_in_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name may hold spaces and brackets; fields are counted from its last one.
    fields = stat.rpartition(")")[2].split()
    state, start = fields[0], fields[19]
    return None if state in "ZX" else start


def _signalled(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "running"
