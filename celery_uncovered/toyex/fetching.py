"""Fetching one page of a report: when it is tried again, and when it is given up."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings

from celery_uncovered.toyex.github import GitHubError, RateLimited, SearchPage
from celery_uncovered.toyex.sources import open_client

PAGES = (1, 2, 3, 4, 5)
PER_PAGE = 100
#: Retries of a page whose fault may pass, and of one that GitHub's limit holds up.
MOST_RETRIES = 3
MOST_WAITS = 10


@dataclass(frozen=True, kw_only=True)
class PageFailure:
    """A page that could not be had. ``is_fatal``: no other page could either (401, 422)."""

    page: int
    error: str
    is_fatal: bool

    def to_json(self) -> dict[str, Any]:
        return {"page": self.page, "error": self.error, "is_fatal": self.is_fatal}


def fetch_page(since: str, per_page: int, page: int, *, retries: int) -> SearchPage:
    """One page of the repositories created on or after ``since`` (ISO); raises GitHubError."""
    with open_client() as client:
        return client.search_page(date.fromisoformat(since), page, per_page, attempt=retries)


def retry_delay(error: GitHubError, *, faults: int, waits: int) -> float | None:
    """Seconds until the page is worth another try; None when there is none left.

    ``faults`` and ``waits`` count the tries before this one that ended in a passing fault, and in
    a limit.
    """
    if isinstance(error, RateLimited):
        return error.retry_after if waits < MOST_WAITS else None
    if error.is_retryable and faults < MOST_RETRIES:
        return float(settings.GITHUB_RETRY_SECONDS * 2**faults)
    return None


def failure_of(page: int, error: GitHubError) -> PageFailure:
    return PageFailure(page=page, error=str(error), is_fatal=not error.is_retryable)
