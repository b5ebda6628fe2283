"""The names waiting in one queue folder, listed once for many messages."""

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

#: A listing is used at least this long (seconds) before names older than it are looked for.
FRESH_FOR = 1.0
#: Listing a folder may take this share of the time at most, however many files it holds.
LISTING_SHARE = 1 / 20


class Backlog:
    """The oldest names first; a name handed out may be gone by now, taken by somebody else.

    The folder is listed when the names are used up. Messages given back bear old names
    that such a listing lacks, so it is also renewed as it ages: after a second, or later
    where listing takes long, so that a huge queue costs no more per message than a small one.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._names: deque[str] = deque()
        self._stale_at = 0.0

    def next_name(self) -> str | None:
        """The oldest name not yet handed out, or None when the folder is empty."""
        if not self._names or self._clock() >= self._stale_at:
            self._list()
        return self._names.popleft() if self._names else None

    def put_first(self, name: str) -> None:
        """Hand out ``name`` next, if a listing is in use; any thread may call it."""
        if self._names:
            self._names.appendleft(name)

    def _list(self) -> None:
        started = self._clock()
        try:
            names = os.listdir(self._folder)  # noqa: PTH208  names are all it takes
        except FileNotFoundError:
            names = []
        self._names = deque(sorted(names))
        ended = self._clock()
        self._stale_at = ended + max(FRESH_FOR, (ended - started) / LISTING_SHARE)
