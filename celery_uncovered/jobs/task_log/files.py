"""Files that several processes append to at once: one for each task, moved aside when it is full.

Hardly anybody waits for anybody. A line is one ``write`` at the end of a file (``O_APPEND``), which the kernel
does not mix with others; ``flock`` only chooses the process that moves a full file to ``NAME.1``. A
process may come late and append to what is ``NAME.1`` by now, which loses nothing; where the file was
removed meanwhile, it writes again. So no signal and no kill at any moment loses or repeats a line.
Only where the file has grown to twice its size, others wait for a moment for who moves it.
"""

import fcntl
import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
#: Seconds between two warnings that files cannot be written.
QUIET_SECONDS = 60.0
LONGEST_NAME = 150
#: Seconds to wait for another process that moves the file, and between two such waits.
PATIENCE, PATIENCE_AGAIN = 0.05, 1.0


class RotatingFile:
    """``path``, which is moved to ``path.1`` before it outgrows ``largest`` bytes; ``kept`` of these stay."""

    def __init__(self, path: Path, *, largest: int, kept: int) -> None:
        self.path, self.largest, self.kept = path, largest, max(1, kept)
        self._name = str(path)
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        #: A full disk cut the last line short.
        self._is_torn = False
        self._waits_again_at = 0.0

    def append(self, data: bytes) -> None:
        """Append whole lines. Raises OSError."""
        with self._lock:
            descriptor, found = self._opened()
            if found.st_size and found.st_size + len(data) > self.largest:
                self._rotate(descriptor, is_urgent=found.st_size > 2 * self.largest)
            # Once, but for a file that is moved and removed between its opening and the write.
            for _ in range(3):
                descriptor, _ = self._opened()
                self._write(descriptor, data)
                if os.fstat(descriptor).st_nlink:
                    return

    def rotate(self) -> None:
        """Move the file aside as it is. Raises OSError."""
        with self._lock:
            self._rotate(self._opened()[0])

    def close(self) -> None:
        # Forgotten first: a number that is closed twice may be another file's by then.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _opened(self) -> tuple[int, os.stat_result]:
        """The file that has the name now, open, and what it is like."""
        if self._descriptor is not None:
            found = os.fstat(self._descriptor)
            if self._has_the_name(found):
                return self._descriptor, found
            self.close()
        self._descriptor = descriptor = self._open()
        self._is_torn = False
        found = os.fstat(descriptor)
        if found.st_mode & 0o777 != PRIVATE_FILE:
            os.fchmod(descriptor, PRIVATE_FILE)
        return descriptor, found

    def _open(self) -> int:
        try:
            return os.open(self.path, FLAGS, PRIVATE_FILE)
        except FileNotFoundError:
            self.path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            return os.open(self.path, FLAGS, PRIVATE_FILE)

    def _has_the_name(self, found: os.stat_result) -> bool:
        try:
            named = os.stat(self._name)  # noqa: PTH116  # for each line: Path.stat takes twice as long
        except FileNotFoundError:
            return False
        return os.path.samestat(named, found)

    def _write(self, descriptor: int, data: bytes) -> None:
        rest = b"\n" + data if self._is_torn else data
        while rest:
            written = os.write(descriptor, rest)
            self._is_torn = written < len(rest)
            rest = rest[written:]

    def _rotate(self, descriptor: int, *, is_urgent: bool = False) -> None:
        """Move the file aside, unless another process does, or has done, just that."""
        while not (has_lock := _try_to_lock(descriptor)) and is_urgent and self._may_wait():
            time.sleep(0.001)
        if not has_lock:
            return
        try:
            if self._has_the_name(os.fstat(descriptor)):
                self._shift()
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _may_wait(self) -> bool:
        """Not for long, nor for each line, for one that stands still in the midst of it."""
        now = time.monotonic()
        if now > self._waits_again_at:
            self._waits_again_at = now + PATIENCE_AGAIN
        return now < self._waits_again_at - PATIENCE_AGAIN + PATIENCE

    def _shift(self) -> None:
        """Up to the first number that is free, as it is where a process died in the midst of this."""
        free = next((n for n in range(1, self.kept) if not self._aside(n).exists()), self.kept)
        for number in range(free, 1, -1):
            self._aside(number - 1).rename(self._aside(number))
        self.path.rename(self._aside(1))

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_files: dict[str, RotatingFile] = {}
_complained_at = 0.0


def append_lines(task: str, lines: Sequence[str]) -> None:
    """Append lines to the file of ``task``, if there are files; where that fails, others hear of it."""
    if not settings.JOBS_LOG_DIR:
        return
    file = _files.get(task) or _files.setdefault(task, file_of(task))
    try:
        file.append("".join(f"{line}\n" for line in lines).encode())
    except OSError as error:
        if error.errno is None:
            raise  # not the system's: raised by the task's own handler of a signal, say
        _complain(error)


def file_of(task: str) -> RotatingFile:
    return RotatingFile(
        Path(settings.JOBS_LOG_DIR, file_name(task)),
        largest=settings.JOBS_LOG_FILE_BYTES,
        kept=settings.JOBS_LOG_FILES,
    )


def file_name(task: str) -> str:
    """A name of its own for each task, within the folder whatever the task is called."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", task)[:LONGEST_NAME].lstrip(".")
    if safe == task:
        return f"{task}.log"
    return f"{safe}-{hashlib.sha256(task.encode(errors='replace')).hexdigest()[:12]}.log"


def discard_old(before: float, *, dry: bool) -> Iterator[None]:
    """Remove what was last written before that moment (seconds of the epoch); yields for each file.

    A file that still has its task's name is only moved aside: somebody may just be writing to it.
    """
    folder = Path(settings.JOBS_LOG_DIR) if settings.JOBS_LOG_DIR else None
    for path in sorted(folder.glob("*.log*")) if folder is not None else ():
        is_old = False
        with suppress(OSError):
            is_old = path.stat().st_mtime < before
            if is_old and not dry:
                _discard(path)
        if is_old and path.suffix != ".log":
            yield


def _discard(path: Path) -> None:
    if path.suffix != ".log":
        path.unlink()
        return
    file = RotatingFile(path, largest=0, kept=settings.JOBS_LOG_FILES)
    try:
        file.rotate()
    finally:
        file.close()


def _complain(error: OSError) -> None:
    global _complained_at  # noqa: PLW0603  # one for the process
    now = time.monotonic()
    if now - _complained_at > QUIET_SECONDS or not _complained_at:
        _complained_at = now
        log.warning("The logs of tasks cannot be written to files: %s", error)


def close_all() -> None:
    while _files:
        _, file = _files.popitem()
        file.close()


# A child has open files of its own: a lock belongs to what was opened, not to who opened it.
os.register_at_fork(after_in_child=close_all)
