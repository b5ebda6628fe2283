"""An error as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ErrorEvent:
    """One error. Nothing in it keeps a request, a frame or an exception alive.

    ``source`` is the logger, or the task whose job failed. ``place`` is where it was raised, or
    logged. ``context`` tells in lines what was being done: the request, or the job.
    """

    kind: str
    source: str
    level: str
    sentence: str
    place: str
    traceback: str
    context: str
    job_id: str = ""
