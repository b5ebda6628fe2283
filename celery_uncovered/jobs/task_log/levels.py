"""Letting records of a lower level come to the handler of tasks, and to nobody else.

Loggers drop what is below their level before any handler sees it. So the root logger is set lower, and
the handlers that were there get a filter that drops what was dropped before.
"""

import logging
from collections.abc import Iterator

#: The levels that loggers had of their own before they were set lower.
_before: dict[logging.Logger, int] = {}
#: Celery's own words (received, succeeded) are not a task's; its task loggers are.
CELERY, CELERY_TASKS = "celery", "celery.task"


class AsBefore(logging.Filter):
    """Drops what the levels of before would have dropped."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= level_before(record.name)


_as_before = AsBefore()


def let_through(level: int, *, except_for: logging.Handler) -> None:
    """Let the handler ``except_for`` have records from ``level`` on; the others hear what they heard."""
    root, celery = logging.getLogger(), logging.getLogger(CELERY)
    if celery.level == logging.NOTSET:
        # A record for each job, that nobody hears, would cost each job its time.
        celery.setLevel(root.getEffectiveLevel())
    for logger in (root, logging.getLogger(CELERY_TASKS)):
        if logger.getEffectiveLevel() > level:
            _before.setdefault(logger, logger.getEffectiveLevel())
            logger.setLevel(level)
    if not _before:
        return
    for logger in _all_loggers():
        for handler in logger.handlers:
            if handler is not except_for and _as_before not in handler.filters:
                handler.addFilter(_as_before)


def level_before(name: str) -> int:
    """The level that the logger ``name`` had before."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if logger in _before:
            return _before[logger]
        if logger.level:
            return logger.level
        logger = logger.parent
    return logging.NOTSET


def ends_of_propagation() -> list[logging.Logger]:
    """The loggers whose handlers are the last to hear a record."""
    return [one for one in _all_loggers() if one.parent is None or not one.propagate]


def _all_loggers() -> Iterator[logging.Logger]:
    yield logging.getLogger()
    known = logging.Logger.manager.loggerDict
    yield from [one for one in known.values() if isinstance(one, logging.Logger)]
