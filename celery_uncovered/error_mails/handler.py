"""The logging handler; its path is all that a project's ``LOGGING["handlers"]`` needs to name.

Logging is configured before any app is ready, so no model is imported here, nor by what it imports.
"""

import logging

from django.apps import apps

from celery_uncovered.error_mails import configured
from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.keeper import keeper
from celery_uncovered.error_mails.names import is_own_task
from celery_uncovered.error_mails.quiet import is_quiet
from celery_uncovered.error_mails.reduce import event_of_record, kind_of_record

#: What Celery says of a task that failed, or whose process died: the ledger tells of it, once and for all.
TRACER, REQUEST = "celery.app.trace", "celery.worker.request"
SERVER_ERROR = 500


class ErrorMailHandler(logging.Handler):
    """Keeps each record to be mailed to ADMINS; never raises, never waits.

    What the error mails log themselves is left out, and so are the answers below 500 that Django
    logs as errors: they are the visitor's.
    """

    def __init__(self, level: int | str = logging.ERROR) -> None:
        super().__init__(level)
        configured.note_handler()

    def handle(self, record: logging.LogRecord) -> bool:
        """As any handler's, but without its lock: writing a traceback reads files."""
        try:
            passed = self.filter(record)
            if passed:
                self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        except Exception:  # noqa: BLE001  # a filter's: logging must not raise
            if not is_quiet():
                keeper().note_unreadable(record.created)
            return True
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not _is_left_out(record):
                kind = kind_of_record(record)
                keeper().note(kind, record.created, lambda: _event_of(record, kind))
        except Exception:  # noqa: BLE001  # whatever is wrong with the record, it is an error that came
            keeper().note_unreadable(record.created)


def _event_of(record: logging.LogRecord, kind: str) -> ErrorEvent:
    if not apps.ready:
        return event_of_record(record, kind)
    from celery_uncovered.jobs.api import mask_text  # noqa: PLC0415  # models

    return event_of_record(record, kind, mask_text)


def _is_left_out(record: logging.LogRecord) -> bool:
    status = getattr(record, "status_code", None)
    is_visitors = isinstance(status, int) and status < SERVER_ERROR
    return is_quiet() or is_visitors or _is_of_own_job() or _is_told_by_ledger(record)


def _is_of_own_job() -> bool:
    """Whether a job of this app is being run: also what the platform logs about it."""
    if not apps.ready:
        return False
    from celery_uncovered.jobs import api as jobs  # noqa: PLC0415  # models

    attempt = jobs.running_attempt()
    return attempt is not None and is_own_task(attempt.task)


def _is_told_by_ledger(record: logging.LogRecord) -> bool:
    if record.name not in {TRACER, REQUEST}:
        return False
    from celery import current_app  # noqa: PLC0415  # not before the project has made its own

    data = getattr(record, "data", None)
    # Only the tracer names the task.
    task = current_app.tasks.get(str(data.get("name"))) if data else current_app.Task
    return bool(getattr(task, "is_job", False))
