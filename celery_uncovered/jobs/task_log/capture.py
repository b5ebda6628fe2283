"""Hearing what tasks say in a worker: a handler of logging, and streams in front of stdout and stderr.

Both ask ``running_attempt()`` which attempt the thread works for, so that threads that a task starts
with a copy of its context count as well. What no attempt says is left as it is.
"""

import logging
import sys
from typing import Any

from celery import bootsteps, signals
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.task_log import levels, recorder

#: Where Celery says how jobs went, which their pages and their logs say already.
TRACER = "celery.app.trace"
_formatter = logging.Formatter()


def connect() -> None:
    """Hear the tasks of workers; each of these may come twice."""
    # The main process, before its pool forks: the children inherit the handler.
    signals.celeryd_after_setup.connect(_hear_loggers, dispatch_uid="jobs-log")
    # With the tasks Django is set up, which takes the handlers of all loggers away.
    signals.import_modules.connect(_hear_loggers_again, dispatch_uid="jobs-log")
    # Celery puts streams of its own in place after that, and once more in each child.
    signals.celeryd_init.connect(_hear_streams_in_time, dispatch_uid="jobs-log")
    signals.worker_process_init.connect(_hear_all, dispatch_uid="jobs-log")
    for ending in (signals.worker_process_shutdown, signals.worker_shutdown):
        ending.connect(_write_all, dispatch_uid="jobs-log")


class TaskLogHandler(logging.Handler):
    """Adds what is logged while a task runs to the log of its attempt; other records pass by.

    Workers have one on their root logger, and on each that does not propagate at their start.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock of other handlers: threads do not wait for each other."""
        attempt = running_attempt()
        if attempt is None or _is_report(record) or not self.filter(record):
            return False
        recorder.record(attempt, _level_of(record), lambda: _text_of(record))
        return True


class TaskStream:
    """A stream of the worker that also adds what is written to the log of the attempt that writes."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: Any) -> Any:
        attempt = running_attempt()
        if attempt is None or not isinstance(text, str):
            return self._stream.write(text)
        recorder.record_part(attempt, self._name, text)
        # Celery's stream logs what it is given, which would come here a second time.
        with recorder.unheard():
            return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)


def _hear_loggers(**_: object) -> None:
    handler = _handler()
    for logger in levels.ends_of_propagation():
        if handler not in logger.handlers:
            logger.addHandler(handler)
    levels.let_through(handler.level, except_for=handler)


def _hear_loggers_again(**_: object) -> None:
    if _own_handler is not None:
        _hear_loggers()


def _hear_streams(**_: object) -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, TaskStream):
            setattr(sys, name, TaskStream(stream, name.upper()))


class HearStreams(bootsteps.StartStopStep):
    """Comes when Celery's streams are in place, and before the consumer, which may begin jobs at once."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:  # noqa: ARG002  # the signature of Celery
        _hear_streams()


def _hear_streams_in_time(instance: Any, **_: object) -> None:
    instance.app.steps["worker"].add(HearStreams)


def _hear_all(**_: object) -> None:
    _hear_loggers()
    _hear_streams()


def _write_all(**_: object) -> None:
    recorder.write_all()


_own_handler: TaskLogHandler | None = None


def _handler() -> TaskLogHandler:
    global _own_handler  # noqa: PLW0603  # one for each process
    if _own_handler is None:
        _own_handler = TaskLogHandler(level=settings.JOBS_LOG_LEVEL)
    return _own_handler


def _is_report(record: logging.LogRecord) -> bool:
    """Whether it is Celery's word on how the job went; its troubles beside that are worth hearing."""
    return record.name == TRACER and (record.levelno < logging.WARNING or hasattr(record, "data"))


def _level_of(record: logging.LogRecord) -> str:
    name = record.levelname
    return name if name.isidentifier() else str(record.levelno)


def _text_of(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + _formatter.formatException(record.exc_info)
        if record.stack_info:
            text += "\n" + record.stack_info
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # noqa: BLE001  # of the task's own arguments, which other handlers report
        return f"[A text of logger {record.name} has no form: {type(error).__name__}]"
    return text
