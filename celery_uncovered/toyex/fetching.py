"""Fetching one page of a report, and telling the report's job about it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.github import GitHubError, RateLimited, SearchPage
from celery_uncovered.toyex.models import FetchedPage
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


def retry_delay(error: GitHubError, retries: int) -> float | None:
    """Seconds until the page is worth another try; None when there is none left."""
    if isinstance(error, RateLimited):
        return error.retry_after if retries < MOST_WAITS else None
    if error.is_retryable and retries < MOST_RETRIES:
        return float(settings.GITHUB_RETRY_SECONDS * 2**retries)
    return None


def failure_of(page: int, error: GitHubError) -> PageFailure:
    return PageFailure(page=page, error=str(error), is_fatal=not error.is_retryable)


def note_page(report_task_id: str, page: int, fetched: SearchPage) -> None:
    """Record what the page brought, and move the report's progress on."""
    FetchedPage.objects.update_or_create(
        task_id=report_task_id,
        page=page,
        defaults={
            "stars": sum(item.stars for item in fetched.items),
            "total_count": fetched.total_count,
            "incomplete_results": fetched.incomplete_results,
        },
    )
    pages = FetchedPage.objects.filter(task_id=report_task_id)
    so_far = pages.aggregate(done=Count("id"), stars=Sum("stars"))
    jobs.report_progress_of(
        report_task_id,
        done=so_far["done"],
        total=len(PAGES),
        note=f"{so_far['done']} of {len(PAGES)} pages fetched, {so_far['stars']:,} stars counted",
    )


def note_wait(report_task_id: str, page: int, error: GitHubError, delay: float) -> None:
    """Say on the report's page why it does not move."""
    reason = "GitHub's rate limit" if isinstance(error, RateLimited) else "GitHub"
    note = f"Page {page} waits {delay:.0f} s for {reason}"
    jobs.report_progress_of(report_task_id, total=len(PAGES), note=note)
