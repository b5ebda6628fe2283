"""The queues: put, claim, acknowledge, give back. Every move is one atomic rename."""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery_uncovered.jobs.embedded_broker.backlog import Backlog
from celery_uncovered.jobs.embedded_broker.durable import move_into, sync_folder, write_durably
from celery_uncovered.jobs.embedded_broker.envelope import NotAMessageError, read_message
from celery_uncovered.jobs.embedded_broker.layout import Layout, as_file_name, make_private
from celery_uncovered.jobs.embedded_broker.names import as_redelivered, is_redelivered, new_name
from celery_uncovered.jobs.embedded_broker.owner import current_owner

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message this process holds; ``tag`` settles it, in this process only."""

    tag: str
    message: dict[str, Any]
    is_redelivered: bool


class QueueNotFoundError(FileNotFoundError):
    def __init__(self, queue: str) -> None:
        self.queue = queue
        super().__init__(f'Queue "{queue}" does not exist.')


class QueueFolder:
    """Queues as folders of files. Safe among processes; ``claim`` is for one thread.

    A tag names a file below this process's own folder. A forked child, which has another,
    can therefore neither acknowledge nor give back what its parent holds.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._backlogs: dict[str, Backlog] = {}
        #: Folders that are to be flushed at the end of ``flushed_together``; None outside.
        self._unflushed: set[Path] | None = None

    def create(self, queue: str) -> None:
        make_private(self._layout.queue(queue))

    def exists(self, queue: str) -> bool:
        return self._layout.queue(queue).is_dir()

    def put(self, queue: str, content: bytes) -> None:
        """Add one message; when this returns it survives a crash and a power cut.

        Raises ``QueueNotFoundError``, or ``OSError`` on a full disk; neither leaves a file.
        """
        folder, name = self._layout.queue(queue), new_name()
        incoming = self._layout.incoming / current_owner() / name
        make_private(incoming.parent)
        write_durably(incoming, content)
        try:
            incoming.rename(folder / name)
        except OSError as error:
            incoming.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError):
                raise QueueNotFoundError(queue) from error
            raise
        if self._unflushed is None:
            sync_folder(folder)
        else:
            self._unflushed.add(folder)

    @contextmanager
    def flushed_together(self) -> Iterator[None]:
        """What is put within survives a power cut from the end on: one flush for each queue."""
        self._unflushed = set()
        try:
            yield
        finally:
            folders, self._unflushed = self._unflushed, None
            for folder in folders:
                sync_folder(folder)

    def claim(self, queue: str) -> Claim | None:
        """Take the oldest message, None if there is none. Files that are no messages are set aside."""
        backlog = self._backlog(queue)
        while (name := backlog.next_name()) is not None:
            tag = f"{as_file_name(queue)}/{name}"
            if self._take(queue, tag) and (message := self._read(tag)) is not None:
                return Claim(tag=tag, message=message, is_redelivered=is_redelivered(name))
        return None

    def acknowledge(self, tag: str) -> None:
        """Delete the message for good; does nothing if this process does not hold it."""
        self._held(tag).unlink(missing_ok=True)

    def give_back(self, tag: str) -> None:
        """Return the message to its old place in the queue, marked as redelivered."""
        queue, name = tag.split("/")
        returned = as_redelivered(name)
        if move_into(self._layout.queues / queue, self._held(tag), returned) and (
            backlog := self._backlogs.get(queue)
        ):
            backlog.put_first(returned)

    def size(self, queue: str) -> int:
        """How many messages wait; those claimed are not counted."""
        return len(_names(self._layout.queue(queue)))

    def purge(self, queue: str) -> int:
        """Delete the waiting messages; how many there were."""
        folder = self._layout.queue(queue)
        return sum(_delete(folder / name) for name in _names(folder))

    def delete(self, queue: str) -> int:
        """Delete the queue with its waiting messages; how many there were."""
        deleted = self.purge(queue)
        shutil.rmtree(self._layout.queue(queue), ignore_errors=True)
        return deleted

    def _take(self, queue: str, tag: str) -> bool:
        held = self._held(tag)
        return move_into(held.parent, self._layout.queue(queue) / held.name, held.name)

    def _read(self, tag: str) -> dict[str, Any] | None:
        try:
            return read_message(self._held(tag))
        except NotAMessageError as error:
            self._set_aside(tag, error.reason)
        except FileNotFoundError:
            logger.warning("Message %s was deleted by somebody else while it was claimed.", tag)
        except OSError:
            self.give_back(tag)
            raise
        return None

    def _set_aside(self, tag: str, reason: str) -> None:
        queue, name = tag.split("/")
        folder = self._layout.set_aside / queue
        # A rename onto an earlier file of that name would destroy its bytes.
        kept = f"{name}.{time.time_ns()}" if (folder / name).exists() else name
        if move_into(folder, self._held(tag), kept):
            logger.warning("Set aside %s: %s.", folder / kept, reason)

    def _held(self, tag: str) -> Path:
        return self._layout.unacked / current_owner() / tag

    def _backlog(self, queue: str) -> Backlog:
        name = as_file_name(queue)
        if name not in self._backlogs:
            self._backlogs[name] = Backlog(self._layout.queues / name)
        return self._backlogs[name]


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  names are all it takes
    except FileNotFoundError:
        return []


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        # Claimed meanwhile, or a folder that somebody put there: no message of ours.
        return False
    return True
