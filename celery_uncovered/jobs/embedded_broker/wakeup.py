"""Waiting until a message arrives: told by the kernel, or looking often where it cannot."""

import os
import select
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from inotify_simple import INotify, flags  # type: ignore[import-untyped]  # ships no types

#: Seconds between looks that nothing asked for; a lost notice costs at most this.
SAFETY_NET = 1.0
#: Seconds between looks where the kernel gives no notice.
POLLING_INTERVAL = 0.02


class Wakeup:
    """Wakes one process when files are moved into the folders it watches.

    Belongs to the process that made it: a forked child must make its own, since both
    would read notices off the same descriptor, each missing the other's.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._inotify = _open_inotify()
        self._signal = (
            -1 if self._inotify is None else os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        )
        self._watched: dict[int, Path] = {}
        self._misses_folders = False

    @property
    def interval(self) -> float:
        """How long (seconds) to wait at most before looking without having been woken."""
        return POLLING_INTERVAL if self._is_polling else SAFETY_NET

    @property
    def descriptors(self) -> list[int]:
        """Readable once there is something to look at; none when polling."""
        return [] if self._inotify is None else [self._inotify.fileno(), self._signal]

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch exactly these folders; those that do not exist yet are tried again next time.

        Must come before looking into the folders, or a message between the two is missed.
        """
        if self._inotify is None or (wanted := set(folders)) == set(self._watched.values()):
            return
        for number in [key for key, folder in self._watched.items() if folder not in wanted]:
            del self._watched[number]
            with suppress(OSError):
                self._inotify.rm_watch(number)
        for folder in wanted - set(self._watched.values()):
            self._add(self._inotify, folder)

    def wait(self, timeout: float) -> None:
        """Return when a message may have arrived, after ``interval``, or after ``timeout`` seconds."""
        limit = max(0.0, min(timeout, self.interval))
        if self._inotify is None:
            time.sleep(limit)
            return
        poll = select.poll()
        for descriptor in self.descriptors:
            poll.register(descriptor, select.POLLIN)
        if poll.poll(limit * 1000):
            self.clear()

    def clear(self) -> None:
        """Take note of what happened; call it before looking, never after."""
        if self._inotify is None:
            return
        with suppress(BlockingIOError):
            os.eventfd_read(self._signal)
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.IGNORED:
                self._watched.pop(event.wd, None)

    def signal(self) -> None:
        """Wake the waiting thread; any thread may call it."""
        if self._inotify is not None:
            os.eventfd_write(self._signal, 1)

    def close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
            os.close(self._signal)
            self._inotify = None

    @property
    def _is_polling(self) -> bool:
        return self._inotify is None or self._misses_folders

    def _add(self, inotify: INotify, folder: Path) -> None:
        try:
            self._watched[inotify.add_watch(folder, flags.MOVED_TO)] = folder
        except FileNotFoundError:
            return
        except OSError:
            # This user's watches are used up; looking often still finds every message.
            self._misses_folders = True


def _open_inotify() -> INotify | None:
    """None where there is no inotify (another system), or this user has no instance left."""
    try:
        return INotify()
    except (OSError, AttributeError):
        return None
