"""The settings that a project may leave out, and what they are then."""

from datetime import timedelta
from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # Seconds a job stays claimed by a node that has stopped beating.
    "JOBS_LEASE_SECONDS": 30,
    # The largest message body (arguments and callbacks together) that submit accepts, in bytes.
    "JOBS_MAX_BODY_BYTES": 8 * 1024 * 1024,
    # How long a file that a job made is kept.
    "JOBS_ARTIFACT_LIFETIME": timedelta(days=30),
    # True lets any browser on loopback read the jobs of open tasks.
    "JOBS_OPEN_ON_LOOPBACK": False,
    # Names, beside those that everybody knows, whose values are secrets.
    "JOBS_SECRET_NAMES": [],
}


def fill_in() -> None:
    """Add to the settings what they do not say."""
    for name, value in DEFAULTS.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
