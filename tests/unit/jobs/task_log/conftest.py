"""A worker's ears in the test's own process, taken off again after the test."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from celery_uncovered.jobs.task_log import capture, files, levels, writer
from celery_uncovered.jobs.task_log.writer import Writer
from tests.unit.jobs.running import become_a_worker


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Where the files of this test's tasks are."""
    files.close_all()
    settings.JOBS_LOG_DIR = str(tmp_path / "logs")
    yield tmp_path / "logs"
    files.close_all()


@pytest.fixture
def fresh_writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    """One that writes only when it is asked to."""
    monkeypatch.setattr(Writer, "_run", lambda _: None)
    new = Writer()
    monkeypatch.setattr(writer, "_writer", new)
    return new


@pytest.fixture
def loggers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The test may do to loggers what it wants."""
    monkeypatch.setattr(capture, "_own_handler", None)
    monkeypatch.setattr(levels, "_before", {})
    before = {one: (one.level, one.handlers[:], one.propagate) for one in levels._all_loggers()}
    yield
    for logger in list(levels._all_loggers()):
        level, handlers, propagate = before.get(logger, (logging.NOTSET, [], True))
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
        for handler in handlers:
            handler.removeFilter(levels._as_before)


@pytest.fixture
def hearing(loggers: None, folder: Path, fresh_writer: Writer) -> None:
    """What a worker's child has after its start, but for its streams: pytest changes those each time."""
    become_a_worker()
    capture._hear_loggers()
