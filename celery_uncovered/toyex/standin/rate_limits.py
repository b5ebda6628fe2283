"""Requests per minute and identity, as GitHub counts those of its search."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Requests per minute."""

    with_token: int
    without_token: int


#: GitHub's own.
TIGHT = Limits(with_token=30, without_token=10)
#: So generous that nobody who tries the project out is ever locked out.
GENEROUS = Limits(with_token=30_000, without_token=10_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """The state after a request; ``reset`` is in seconds since 1970."""

    limit: int
    used: int
    reset: int
    is_over: bool

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Resource": "search",
        }


class Meter:
    """Counts in windows of a minute that begin with an identity's first request."""

    def __init__(self, limits: Limits, now: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._now = now
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, int]] = {}

    def spend(self, identity: str, *, has_token: bool) -> Spent:
        limit = self._limits.with_token if has_token else self._limits.without_token
        now = int(self._now())
        with self._lock:
            reset, used = self._windows.get(identity, (0, 0))
            if reset <= now:
                reset, used = now + WINDOW, 0
            is_over = used >= limit
            used = min(used + 1, limit)
            self._windows[identity] = (reset, used)
        return Spent(limit=limit, used=used, reset=reset, is_over=is_over)
