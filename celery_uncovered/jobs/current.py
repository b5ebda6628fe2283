"""The attempt that this thread is executing, if any."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from celery_uncovered.jobs.masking.known import forget_secrets
from celery_uncovered.jobs.messages import Message
from celery_uncovered.jobs.timing import Timing


@dataclass(kw_only=True)
class RunningAttempt:
    """A claim being worked on.

    ``successor`` is the message that continues the job, if one came; ``followers`` are the messages of
    the jobs that follow its success (the next of its chain, its ``link``s) and commit with it.
    ``scope`` is the header of the job's scope as it came, ``obstacle`` what keeps the task from
    running in it.
    """

    task_id: str
    number: int
    task: str
    started_at: datetime
    node: str
    pid: int
    settled: bool = False
    #: Its arguments hold sealed secrets.
    is_sealed: bool = False
    successor: "Successor | None" = None
    #: Takes a success that is to be recorded with those of the rest of its batch.
    keep: Callable[[Any], None] | None = None
    #: The task's function has returned; what is submitted from then on follows its success.
    has_returned: bool = False
    #: Something of its log may be in the ledger already.
    has_log: bool = False
    #: The exception that ends it is in its log.
    has_told_error: bool = False
    followers: list[tuple[Message, Timing]] = field(default_factory=list)
    scope: Any = None
    obstacle: Exception | None = None

    def settle(self) -> None:
        self.settled = True

    def take_followers(self) -> list[tuple[Message, Timing]]:
        """The followers, once; what is submitted from now on is accepted at once."""
        followers, self.followers, self.has_returned = self.followers, [], False
        return followers

    def __str__(self) -> str:
        return f"Attempt {self.number} of job {self.task_id}"


@dataclass(frozen=True, kw_only=True)
class Successor:
    """What a job goes on with after this attempt: ``delay`` seconds None means at once, replaced."""

    message: Message
    delay: float | None
    expires_at: datetime | None = None


_attempt: ContextVar[RunningAttempt | None] = ContextVar("running_attempt", default=None)


def running_attempt() -> RunningAttempt | None:
    return _attempt.get()


def attempt_of(task_id: str) -> RunningAttempt | None:
    """The running attempt, where it is one of the job ``task_id``."""
    attempt = _attempt.get()
    return attempt if attempt is not None and attempt.task_id == task_id else None


@contextmanager
def running(attempt: RunningAttempt) -> Iterator[RunningAttempt]:
    token = _attempt.set(attempt)
    try:
        yield attempt
    finally:
        _attempt.reset(token)
        if attempt.is_sealed:
            forget_secrets()
