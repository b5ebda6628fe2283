"""What no unit test should do unasked."""

import pytest

from celery_uncovered.error_mails import keeper
from celery_uncovered.error_mails.keeper import Keeper
from celery_uncovered.jobs.task_log import writer
from celery_uncovered.jobs.task_log.writer import Writer


@pytest.fixture(autouse=True)
def logs_are_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that stores them would come to the database at any time, on a connection of its own."""
    monkeypatch.setattr(writer, "_writer", Writer(stores=False))


class CountsOnly(Keeper):
    """Has no thread."""

    def _wake(self) -> None:
        pass


@pytest.fixture(autouse=True)
def errors_are_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor should the thread that stores errors."""
    monkeypatch.setattr(keeper, "_keeper", CountsOnly())
