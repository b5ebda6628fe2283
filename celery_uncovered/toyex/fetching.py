"""Fetching one page of a report, and telling the report's job about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.github import GitHubError, RateLimited, SearchPage
from celery_uncovered.toyex.models import FetchedPage, Report, WaitingPage
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
    with _noting(report_task_id, page):
        FetchedPage.objects.update_or_create(
            task_id=report_task_id,
            page=page,
            defaults={
                "stars": sum(item.stars for item in fetched.items),
                "total_count": fetched.total_count,
                "incomplete_results": fetched.incomplete_results,
            },
        )


def note_wait(report_task_id: str, page: int, error: GitHubError, delay: float) -> None:
    """Say on the report's page why it does not move, for as long as the page waits."""
    reason = "GitHub's rate limit" if isinstance(error, RateLimited) else "GitHub"
    with _noting(report_task_id, page):
        WaitingPage.objects.create(task_id=report_task_id, page=page, seconds=delay, reason=reason)


def note_failure(report_task_id: str, page: int) -> None:
    """The page is given up: nobody waits for it any more."""
    with _noting(report_task_id, page):
        pass


@contextmanager
def _noting(report_task_id: str, page: int) -> Iterator[None]:
    """Change what is known of one page, then say it on the report's page.

    The pages end at the same moment: the lock keeps one from saying less than the other knew.
    """
    with transaction.atomic():
        Report.objects.select_for_update().filter(task_id=report_task_id).first()
        WaitingPage.objects.filter(task_id=report_task_id, page=page).delete()
        yield
        _report(report_task_id)


def _report(report_task_id: str) -> None:
    pages = FetchedPage.objects.filter(task_id=report_task_id)
    so_far = pages.aggregate(done=Count("id"), stars=Sum("stars", default=0))
    fetched = f"{so_far['done']} of {len(PAGES)} pages fetched, {so_far['stars']:,} stars counted"
    waiting = WaitingPage.objects.filter(task_id=report_task_id).order_by("page")
    jobs.report_progress_of(
        report_task_id,
        done=so_far["done"],
        total=len(PAGES),
        note=". ".join([fetched, *_waits(list(waiting))]),
    )


def _waits(waiting: list[WaitingPage]) -> Iterator[str]:
    """A sentence for each reason, without its full stop."""
    for reason in sorted({one.reason for one in waiting}):
        mine = [one for one in waiting if one.reason == reason]
        pages = ", ".join(str(one.page) for one in mine)
        seconds = max(one.seconds for one in mine)
        who = f"Page {pages} waits" if len(mine) == 1 else f"Pages {pages} wait up to"
        yield f"{who} {seconds:.0f} s for {reason}"
