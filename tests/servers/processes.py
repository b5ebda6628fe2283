"""Processes that tests start: in a session of their own, logged, and ended by their id."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests.servers import session

Found = TypeVar("Found")


class Process:
    """A started command; ``end_signal`` is the way to end it when nobody needs it any more."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path = session.ROOT,
        end_signal: signal.Signals = signal.SIGTERM,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.end_signal = end_signal
        with log.open("ab") as output:
            self.popen: subprocess.Popen[bytes] = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env={**env, session.VARIABLE: str(session.folder())},
                stdin=stdin,
                stdout=output if stdout is None else stdout,
                stderr=output,
                start_new_session=True,
            )
        self.entry = register(self.pid, end_signal)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def children(self) -> list[int]:
        """The ids of its direct children (Linux)."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process alone."""
        self.popen.send_signal(number)

    def wait(self, timeout: float = 60) -> int:
        """Its exit code (minus the signal that killed it)."""
        return self.popen.wait(timeout=timeout)

    def stop(self, timeout: float = 60) -> int:
        """Ask it to end, wait, and return its exit code."""
        self.signal(self.end_signal)
        code = self.wait(timeout)
        self.end()
        return code

    def kill(self) -> None:
        """SIGKILL the main process alone, as a crash would; its children find out by themselves."""
        self.signal(signal.SIGKILL)
        self.wait()

    def end(self, timeout: float = 10) -> None:
        """End it and what it started: asked first, then killed."""
        end_group(self.pid, self.end_signal, timeout, alive=lambda: self.is_running)
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()
        self.entry.unlink(missing_ok=True)

    def tail(self, lines: int = 40) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def wait_for(
    condition: Callable[[], Found],
    timeout: float = 60,
    *,
    what: str,
    details: Callable[[], str] = str,
    pause: float = 0.05,
) -> Found:
    """The first true answer of ``condition``; AssertionError with ``details`` at the deadline."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            message = f"Not within {timeout:g} s: {what}.\n{details()}"
            raise AssertionError(message)
        time.sleep(pause)
    return found


def register(pid: int, end_signal: signal.Signals) -> Path:
    """Note a group leader for the reaper; returns the note, to be removed when it has ended."""
    entry = session.subfolder("processes") / str(pid)
    draft = entry.with_suffix(".draft")
    draft.write_text(json.dumps({"started": started(pid), "signal": int(end_signal)}))
    return draft.rename(entry)


def end_registered(entries: Path) -> None:
    """End every registered group: all are asked before any is waited for."""
    notes = {
        int(entry.stem): json.loads(entry.read_text() or "{}") for entry in entries.glob("*[0-9]")
    }
    for leader, note in notes.items():
        if is_alive(leader, note):
            send(leader, signal.Signals(note["signal"]))
    for leader, note in notes.items():
        number = signal.Signals(note.get("signal", signal.SIGTERM))
        end_group(leader, number, 2, alive=functools.partial(is_alive, leader, note))


def is_alive(leader: int, note: Mapping[str, Any]) -> bool:
    """Whether the process is still the one that was registered."""
    return started(leader) == note.get("started") is not None


def end_group(
    leader: int, number: signal.Signals, timeout: float, *, alive: Callable[[], bool]
) -> None:
    """Signal the leader, give it ``timeout`` seconds, then SIGKILL what is left of its group."""
    if alive():
        send(leader, number)
        deadline = time.monotonic() + timeout
        while alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if alive():
            send(leader, signal.SIGKILL)
    for pid in members(leader):
        send(pid, signal.SIGKILL)


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def members(group: int) -> list[int]:
    """The living processes of a group that carry this session's folder in their environment.

    A group's id may be given anew once the group is gone; the folder tells ours from others.
    """
    mark = str(session.folder()).encode()
    return [
        pid
        for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        if (fields := stat(pid)) and int(fields[2]) == group and mark in environment(pid)
    ]


def environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def started(pid: int) -> str | None:
    """When the process started, in the kernel's ticks; None if it is gone or a zombie."""
    fields = stat(pid)
    return fields[19] if fields and fields[0] != "Z" else None


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
