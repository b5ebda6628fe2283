"""Tasks are heard from JOBS_LOG_LEVEL on, and the console shows what it showed."""

import logging

import pytest
from celery import current_app, signals
from pytest_django import Settings

from celery_uncovered.jobs.current import running
from celery_uncovered.jobs.task_log import capture, recorder
from celery_uncovered.jobs.task_log.capture import TaskLogHandler
from tests.unit.jobs.task_log.help import attempt_at, said, stored

pytestmark = pytest.mark.usefixtures("committed_ledger", "loggers", "folder", "fresh_writer")


class Console(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.shown.append(f"{record.levelname} {record.getMessage()}")


def console(logger: logging.Logger) -> Console:
    """The one handler of that logger."""
    logger.handlers = [Console()]
    return logger.handlers[0]  # type: ignore[return-value]  # just put there


def say_everything(*loggers: logging.Logger) -> list[str]:
    """Log at two levels to each, within an attempt; what its log has of it."""
    with running(attempt_at("job")) as attempt:
        for logger in loggers:
            logger.debug("%s", logger.name)
            logger.info("%s", logger.name)
            logger.warning("%s", logger.name)
    recorder.end(attempt)
    return said(stored("job"))


@pytest.fixture
def root() -> logging.Logger:
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    return root


def test_a_level_that_the_console_does_not_show_is_in_the_log(root: logging.Logger) -> None:
    shown = console(root)
    capture._hear_loggers()
    assert say_everything(logging.getLogger("app")) == ["INFO app", "WARNING app"]
    assert shown.shown == ["WARNING app"]


def test_handlers_and_loggers_with_a_level_of_their_own_keep_it(root: logging.Logger) -> None:
    shown = console(root)
    loud, strict = logging.getLogger("loud"), logging.getLogger("strict")
    loud.setLevel(logging.DEBUG)
    strict.setLevel(logging.ERROR)
    beside = console(logging.getLogger("beside"))
    capture._hear_loggers()
    lines = say_everything(loud, strict, logging.getLogger("beside"))
    assert lines == ["INFO loud", "WARNING loud", "INFO beside", "WARNING beside"]
    assert shown.shown == ["DEBUG loud", "INFO loud", "WARNING loud", "WARNING beside"]
    assert beside.shown == ["WARNING beside"]


def test_celerys_task_loggers_are_heard_and_celerys_own_words_cost_nothing(
    root: logging.Logger,
) -> None:
    """As Celery sets them up: the logger of tasks has a handler, and does not propagate."""
    console(root)
    celerys = logging.getLogger("celery.task")
    celerys.setLevel(logging.WARNING)
    celerys.propagate = False
    shown = console(celerys)
    capture._hear_loggers()
    child = logging.getLogger("celery.task.app")
    assert say_everything(child) == ["INFO celery.task.app", "WARNING celery.task.app"]
    assert shown.shown == ["WARNING celery.task.app"]
    assert not logging.getLogger("celery.app.trace").isEnabledFor(logging.INFO)
    assert not logging.getLogger("celery.worker.strategy").isEnabledFor(logging.INFO)


def test_a_logger_that_does_not_propagate_is_heard_once(root: logging.Logger) -> None:
    console(root)
    apart = logging.getLogger("apart")
    apart.propagate = False
    for _ in range(2):
        capture._hear_loggers()
    assert say_everything(logging.getLogger("apart.child")) == [
        "INFO apart.child",
        "WARNING apart.child",
    ]


def test_a_worker_that_shows_everything_is_left_as_it_is(
    root: logging.Logger, settings: Settings
) -> None:
    root.setLevel(logging.DEBUG)
    shown = console(root)
    settings.JOBS_LOG_LEVEL = "WARNING"
    capture._hear_loggers()
    assert root.level == logging.DEBUG
    assert say_everything(logging.getLogger("app")) == ["WARNING app"]
    assert shown.shown == ["DEBUG app", "INFO app", "WARNING app"]


def test_tasks_are_heard_on_after_django_was_set_up_once_more(root: logging.Logger) -> None:
    """Celery does that whenever it imports tasks."""
    capture._hear_loggers()
    console(root)
    root.setLevel(logging.WARNING)
    signals.import_modules.send(sender=current_app)
    assert say_everything(logging.getLogger("app")) == ["INFO app", "WARNING app"]


def test_a_process_that_is_no_worker_hears_nothing() -> None:
    signals.import_modules.send(sender=current_app)
    assert not [one for one in logging.getLogger().handlers if isinstance(one, TaskLogHandler)]
