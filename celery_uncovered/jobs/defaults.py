"""The settings that a project may leave out, and what they are then."""

from datetime import timedelta
from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # Seconds a job stays claimed by a node that has stopped beating.
    "JOBS_LEASE_SECONDS": 30,
    # The largest message body (arguments and callbacks together) that submit accepts, in bytes.
    "JOBS_MAX_BODY_BYTES": 8 * 1024 * 1024,
    # The names that jobs inherit from where they are submitted, each with an adapter's path or None.
    "JOBS_SCOPE": {},
    # A function by its path that tells the scope of a request, for the middleware; "" for none.
    "JOBS_SCOPE_OF_REQUEST": "",
    # Days after which jobs that succeeded or were cancelled are removed; 0 never.
    "JOBS_KEEP_DAYS": 30,
    # The same for failed jobs, once somebody has discarded them.
    "JOBS_KEEP_FAILED_DAYS": 90,
    # How long a file that a job made is kept.
    "JOBS_ARTIFACT_LIFETIME": timedelta(days=30),
    # True lets any browser on loopback read the jobs of open tasks.
    "JOBS_OPEN_ON_LOOPBACK": False,
    # From which level on what tasks log is in their logs, whatever the console shows.
    "JOBS_LOG_LEVEL": "INFO",
    # The most that the ledger keeps of a job's log, in bytes: its beginning and its end; 0 nothing.
    "JOBS_LOG_MAX_BYTES": 256 * 1024,
    # Where each task has a file, if it is set: its size in bytes, and how many full ones stay beside it.
    "JOBS_LOG_DIR": "",
    "JOBS_LOG_FILE_BYTES": 10 * 1024 * 1024,
    "JOBS_LOG_FILES": 5,
    # Names, beside those that everybody knows, whose values are secrets.
    "JOBS_SECRET_NAMES": [],
}


def fill_in() -> None:
    """Add to the settings what they do not say."""
    for name, value in DEFAULTS.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
