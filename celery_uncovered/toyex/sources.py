"""Where the data comes from: GitHub, or the recorded data of the stand-in; and its today."""

from datetime import date
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from celery_uncovered.toyex.github import Bounds, SearchClient
from celery_uncovered.toyex.standin import RECORDED_TODAY


def today() -> date:
    """The day that a report without a reference date is for: UTC's, or the recorded data's."""
    return RECORDED_TODAY if settings.GITHUB_RECORDED else timezone.now().date()


def source_name() -> str:
    """What pages call the source: "recorded data", "GitHub", or another API's host."""
    if settings.GITHUB_RECORDED:
        return "recorded data"
    host = urlsplit(settings.GITHUB_API_URL).hostname or ""
    return "GitHub" if host == "api.github.com" else host


def open_client() -> SearchClient:
    """A client for the configured source; raises BadCredentials for an unusable token."""
    return SearchClient(
        settings.GITHUB_API_URL,
        settings.GITHUB_OAUTH,
        bounds=Bounds(read=settings.GITHUB_READ_TIMEOUT),
        minimum_wait=settings.GITHUB_MINIMUM_WAIT,
    )
