"""Where the data comes from: GitHub, or the recorded data of the stand-in; and its today."""

from datetime import date
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from celery_uncovered.toyex.github import Bounds, OpenAddress, SearchClient
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


def token_is_exposed() -> bool:
    """Whether the token would leave this machine as plain text."""
    parts = urlsplit(settings.GITHUB_API_URL)
    is_encrypted = parts.scheme == "https"
    return bool(settings.GITHUB_OAUTH) and not is_encrypted and not _is_loopback(parts.hostname)


def open_client() -> SearchClient:
    """A client for the configured source.

    Raises BadCredentials for an unusable token, OpenAddress for one that would be exposed.
    """
    if token_is_exposed():
        raise OpenAddress
    return SearchClient(
        settings.GITHUB_API_URL,
        settings.GITHUB_OAUTH,
        bounds=Bounds(read=settings.GITHUB_READ_TIMEOUT),
        minimum_wait=settings.GITHUB_MINIMUM_WAIT,
    )


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
