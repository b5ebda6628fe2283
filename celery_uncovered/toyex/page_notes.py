"""What is known of a report's pages while they are fetched, and the sentence that says it."""

from collections.abc import Iterator, Sequence

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.fetching import PAGES
from celery_uncovered.toyex.github import GitHubError, RateLimited, SearchPage
from celery_uncovered.toyex.models import ReportPage

FIELDS = ["stars", "total_count", "incomplete_results", "wait_seconds", "wait_reason"]


def note_page(report_task_id: str, page: int, fetched: SearchPage) -> None:
    """Record what the page brought, and move the report's progress on."""
    _note(
        ReportPage(
            task_id=report_task_id,
            page=page,
            stars=sum(item.stars for item in fetched.items),
            total_count=fetched.total_count,
            incomplete_results=fetched.incomplete_results,
        )
    )


def note_wait(report_task_id: str, page: int, error: GitHubError, delay: float) -> None:
    """Say on the report's page why it does not move, for as long as the page waits."""
    reason = "GitHub's rate limit" if isinstance(error, RateLimited) else "GitHub"
    _note(ReportPage(task_id=report_task_id, page=page, wait_seconds=delay, wait_reason=reason))


def note_failure(report_task_id: str, page: int) -> None:
    """The page is given up: nobody waits for it any more."""
    _note(ReportPage(task_id=report_task_id, page=page))


def pages_of(report_task_id: str) -> list[ReportPage]:
    return list(ReportPage.objects.filter(task_id=report_task_id).order_by("page"))


def _note(row: ReportPage) -> None:
    ReportPage.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["task_id", "page"], update_fields=FIELDS
    )
    _say(row.task_id)


def _say(report_task_id: str) -> None:
    """Bring the report's progress up to what is known.

    Pages end at the same moment, and no lock holds one up for another: whoever finds more known
    after speaking than before speaks again, so the last word is the whole.
    """
    known = pages_of(report_task_id)
    while True:
        done, sentence = _summed_up(known)
        jobs.report_progress_of(report_task_id, done=done, total=len(PAGES), note=sentence)
        now_known = pages_of(report_task_id)
        if _summed_up(now_known) == (done, sentence):
            return
        known = now_known


def _summed_up(pages: Sequence[ReportPage]) -> tuple[int, str]:
    stars = [page.stars for page in pages if page.stars is not None]
    fetched = f"{len(stars)} of {len(PAGES)} pages fetched, {sum(stars):,} stars counted"
    return len(stars), ". ".join([fetched, *_waits(pages)])


def _waits(pages: Sequence[ReportPage]) -> Iterator[str]:
    """A sentence for each reason to wait, without its full stop."""
    for reason in sorted({page.wait_reason for page in pages if page.wait_reason}):
        mine = [page for page in pages if page.wait_reason == reason]
        numbers = ", ".join(str(page.page) for page in mine)
        seconds = max(page.wait_seconds or 0 for page in mine)
        who = f"Page {numbers} waits" if len(mine) == 1 else f"Pages {numbers} wait up to"
        yield f"{who} {seconds:.0f} s for {reason}"
