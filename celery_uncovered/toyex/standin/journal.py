"""What was asked, for tests: never the token, only whether there was one."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from typing import Any

_KEPT = 10_000


class Journal:
    """The last requests and how many of them ran at once at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._running = 0
        self._most = 0

    @contextmanager
    def entry(
        self, params: Mapping[str, str], page: int, headers: Message
    ) -> Iterator[dict[str, Any]]:
        """Note a request from its start to its end; the caller adds its ``status``."""
        entry: dict[str, Any] = {
            "page": page,
            "params": {name: value for name, value in params.items() if name != "access_token"},
            "headers": {
                name: value for name, value in headers.items() if name.lower() != "authorization"
            },
            "is_authorized": any(name.lower() == "authorization" for name in headers),
            "status": None,
            "started": time.time(),
            "ended": None,
        }
        with self._lock:
            self._entries.append(entry)
            self._running += 1
            self._most = max(self._most, self._running)
        try:
            yield entry
        finally:
            with self._lock:
                entry["ended"] = time.time()
                self._running -= 1

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._most = self._running

    def as_json(self) -> dict[str, Any]:
        """``requests`` in the order of their start (times since 1970), and ``max_concurrency``."""
        with self._lock:
            entries = [dict(entry) for entry in self._entries]
            return {"requests": entries, "max_concurrency": self._most}
