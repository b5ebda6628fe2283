"""A small JSON file that several processes read often and change rarely."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery_uncovered.jobs.embedded_broker.durable import write_durably
from celery_uncovered.jobs.embedded_broker.layout import make_private


class UnreadableTableError(OSError):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} holds no readable JSON; delete it and restart the workers.")


class TableFile:
    """One JSON object in a file, replaced as a whole, so that readers need no lock."""

    def __init__(self, path: Path, *, lock: Path) -> None:
        self._path = path
        self._lock = lock
        self._seen = b"{}"
        self._content: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """The content, to be read only; ``{}`` without a file. Parsed only when it has changed."""
        # Not judged by its time and size: two changes within one tick of the file
        # system's clock can leave both, and a reused inode number, as they were.
        if (found := self._bytes()) != self._seen:
            self._content, self._seen = self._parsed(found), found
        return self._content

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """The content to be changed in place; holds the lock file, and saves what was changed."""
        with self._locked():
            content = self._parsed(self._bytes())
            before = json.dumps(content)
            yield content
            if (after := json.dumps(content)) != before:
                self._replace(after)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_private(self._lock.parent)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _bytes(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b"{}"

    def _parsed(self, found: bytes) -> dict[str, Any]:
        try:
            content = json.loads(found)
        except ValueError as error:
            raise UnreadableTableError(self._path) from error
        if not isinstance(content, dict):
            raise UnreadableTableError(self._path)
        return content

    def _replace(self, content: str) -> None:
        # The lock makes this name ours alone; a process killed here left it behind.
        temporary = self._path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        write_durably(temporary, content.encode())
        temporary.replace(self._path)
