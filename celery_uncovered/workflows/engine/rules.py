"""What the engine knows of a step: its function, how it is tried, and how long it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from celery_uncovered.workflows.engine.pace import Pace
from celery_uncovered.workflows.errors import StepTimeoutError, WorkflowError


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a step is tried.

    ``retries`` come after the first attempt, with ``backoff`` seconds before the first of them and
    ``factor`` times as many before each next one, ``longest`` at most.
    """

    retries: int = 0
    backoff: float = 1.0
    factor: float = 2.0
    longest: float = 3600.0
    timeout: float | None = None
    retry_on: tuple[type[Exception], ...] = (Exception,)
    atomic: bool = False

    def pause_after(self, attempt: int) -> float:
        """Seconds between this attempt, the first is 1, and the next."""
        return min(self.backoff * self.factor ** (attempt - 1), self.longest)

    def pause_for(self, error: Exception, attempt: int) -> float:
        """As ``pause_after``; longer where the error names ``retry_after`` seconds, ``longest`` at most."""
        named = getattr(error, "retry_after", None)
        seconds = float(named) if isinstance(named, int | float) else 0.0
        return max(self.pause_after(attempt), min(seconds, self.longest))

    def is_retried(self, error: Exception, attempt: int) -> bool:
        """What would be the same each time is not: a result that cannot be kept, a call out of place."""
        if isinstance(error, WorkflowError) and not isinstance(error, StepTimeoutError):
            return False
        return attempt <= self.retries and isinstance(error, self.retry_on)


class Performable(Protocol):
    """A step."""

    name: str
    function: Callable[..., Any]
    rules: Rules
    pace: Pace
