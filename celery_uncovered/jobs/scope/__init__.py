"""The scope: what a task inherits from its caller without being told, such as language and tenant.

The names are declared in JOBS_SCOPE. What holds where a job is submitted goes with the job's message,
in its row and on its way, and holds again around the task.
"""

from celery_uncovered.jobs.scope.adapters import Adapter, Locale, TimeZone
from celery_uncovered.jobs.scope.declared import of_request
from celery_uncovered.jobs.scope.live import (
    captured,
    current,
    entered,
    exactly,
    get,
    is_exact,
    merged,
    told,
    use,
)
from celery_uncovered.jobs.scope.text import SCOPE_HEADER, as_text, decode, encode, shown
from celery_uncovered.jobs.scope.within import within

__all__ = [
    "SCOPE_HEADER",
    "Adapter",
    "Locale",
    "TimeZone",
    "as_text",
    "captured",
    "current",
    "decode",
    "encode",
    "entered",
    "exactly",
    "get",
    "is_exact",
    "merged",
    "of_request",
    "shown",
    "told",
    "use",
    "within",
]
