"""What is called when a task fails: jobs are submitted with the failure, functions called after it."""

import logging
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from celery.exceptions import NotRegistered
from django.db import DatabaseError, transaction

from celery_uncovered.jobs.sealing import opened

log = logging.getLogger(__name__)


def sorted_out(backend: Any, request: Any) -> tuple[Any, Any]:
    """``request`` twice: with those of its errbacks that are jobs, and with those that are called."""
    jobs, functions = copy(request), copy(request)
    signatures = [backend.app.signature(errback) for errback in request.errbacks]
    jobs.errbacks = [each for each in signatures if not _takes_error(backend, each)]
    called = [each for each in signatures if _takes_error(backend, each)]
    functions.errbacks = [backend.app.signature(opened(dict(each))) for each in called]
    return jobs, functions


def submit(call: Callable[[], None], task_id: str) -> None:
    """Submit the errbacks of a job; the failure is recorded, whatever they are.

    Raises DatabaseError: then the failure is not recorded either.
    """
    try:
        with transaction.atomic():
            call()
    except DatabaseError:
        raise
    except Exception:
        log.exception("The errbacks of job %s could not be submitted", task_id)


def _takes_error(backend: Any, errback: Any) -> bool:
    """Whether Celery calls it with the request, the error and the traceback."""
    try:
        header = getattr(errback.type, "__header__", None)
    except NotRegistered:
        return False
    if header is None or isinstance(header, partial):
        return False
    return bool(backend._errback_arity_greater(errback, 1))  # noqa: SLF001  # Celery's own rule
