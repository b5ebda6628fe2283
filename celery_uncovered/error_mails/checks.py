"""System checks of a project's LOGGING."""

import logging
from typing import Any

from django.conf import settings
from django.core.checks import WARNING, CheckMessage, register
from django.utils.log import AdminEmailHandler

from celery_uncovered.error_mails import configured

TWICE = CheckMessage(
    WARNING,
    "Django mails errors as well, within the request, and one mail for each.",
    hint='Take its handler off: LOGGING["loggers"]["django"] = {"handlers": []}.',
    id="error_mails.W001",
)


def register_checks() -> None:
    register(check_logging)


def check_logging(**_: Any) -> list[CheckMessage]:
    """Whether errors would be mailed twice: once by a worker, and once by Django itself."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    handlers = [handler for logger in loggers for handler in logger.handlers]
    has_both = configured.has_handler() and any(
        isinstance(handler, AdminEmailHandler) for handler in handlers
    )
    return [TWICE] if has_both and settings.ADMINS else []
