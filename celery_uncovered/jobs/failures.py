"""Telling apps above that a job failed for good, once that is committed; successes cost nothing."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.dispatch import Signal

#: Sent with ``failure``, a JobFailure, in the process that recorded it and in its thread.
job_failed = Signal()


@dataclass(frozen=True, kw_only=True)
class JobFailure:
    """A job that has just come to FAILURE, whichever way; ``error`` is one sentence."""

    task_id: str
    task: str
    error: str
    error_type: str
    traceback: str
    failed_at: datetime


def tell_after_commit(failure: JobFailure) -> None:
    """Send ``job_failed`` once the surrounding transaction has committed, if anybody listens."""
    if job_failed.has_listeners():
        # What a listener raises is logged by Django, and changes nothing: the failure stands.
        transaction.on_commit(
            partial(job_failed.send_robust, sender=JobFailure, failure=failure), robust=True
        )
