"""Failed jobs as errors: the ledger tells of each once, when it has failed for good."""

from typing import Any

from celery_uncovered.error_mails import configured
from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.keeper import keeper
from celery_uncovered.error_mails.kinds import kind_of, place_in
from celery_uncovered.error_mails.names import is_own_task
from celery_uncovered.error_mails.reduce import SENTENCE, TRACEBACK, shown
from celery_uncovered.jobs import api as jobs


def connect() -> None:
    jobs.job_failed.connect(on_job_failed, dispatch_uid="error-mails")


def on_job_failed(failure: jobs.JobFailure, **_: Any) -> None:
    if configured.has_handler() and not is_own_task(failure.task):
        place = place_in(failure.traceback)
        kind = kind_of("job", failure.task, failure.error_type, place)
        at = failure.failed_at.timestamp()
        keeper().note(kind, at, lambda: _event(failure, kind, str(place or "")))


def _event(failure: jobs.JobFailure, kind: str, place: str) -> ErrorEvent:
    words = f"{failure.error_type}: {failure.error}" if failure.error_type else failure.error
    return ErrorEvent(
        kind=kind,
        source=failure.task,
        level="ERROR",
        sentence=shown(words, SENTENCE, jobs.mask_text),
        place=place,
        traceback=shown(failure.traceback, TRACEBACK, jobs.mask_text),
        context=f"Job {failure.task_id} of {failure.task}",
        job_id=failure.task_id,
    )
