"""A keeper with a desk that the test looks at, and errors to be kept."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from celery_uncovered.error_mails.desk import Desk
from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.tallies import Batch, Tally
from tests.servers.processes import wait_for


class NoDatabaseError(Exception):
    pass


class FakeDesk(Desk):
    """``batches`` are those that came, also when it says that the database ``is_away``."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.is_away = False
        self.is_silent = threading.Event()
        self.announced: list[int | None] = []
        self.round = 7

    def store(self, batch: Batch) -> None:
        self.batches.append(batch)
        while self.is_silent.is_set():
            time.sleep(0.01)
        if self.is_away:
            raise NoDatabaseError

    def announce(self, known: int | None) -> int:
        self.announced.append(known)
        return self.round

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        yield

    def leave(self) -> None:
        pass

    @property
    def stored(self) -> list[Tally]:
        """What is in batches, each of them once."""
        batches = {(batch.keeper, batch.number): batch for batch in self.batches}
        return [tally for batch in batches.values() for tally in batch.tallies]

    @property
    def total(self) -> int:
        return sum(tally.count for tally in self.stored)


def event(kind: str = "a", **fields: str) -> ErrorEvent:
    own = {
        "source": "shop",
        "level": "ERROR",
        "sentence": f"{kind} went wrong",
        "place": "shop/views.py:7 in buy",
        "traceback": "Traceback (most recent call last):\n  ...",
        "context": "POST /buy/",
    }
    return ErrorEvent(kind=kind, **own | fields)


def tally(kind: str = "a", count: int = 1, first: float = 100.0, last: float = 100.0) -> Tally:
    return Tally(kind=kind, event=event(kind), count=count, first=first, last=last)


def batch(*tallies: Tally, number: int = 1, keeper: str = "k") -> Batch:
    return Batch(keeper=keeper, number=number, tallies=list(tallies))


def soon(condition: Callable[[], object], what: str) -> None:
    wait_for(condition, 10, what=what, pause=0.005)


def record_of(error: BaseException | None = None, **fields: object) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(
        "django.request", logging.ERROR, "/srv/django/log.py", 248, "Broken: %s", ("/x/",), exc_info
    )
    vars(record).update(fields)
    return record


def raised(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return error
    raise AssertionError


def fail_here(error: Exception) -> NoReturn:
    raise error


def fail_there(error: Exception) -> NoReturn:
    raise error
