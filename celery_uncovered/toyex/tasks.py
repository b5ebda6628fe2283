"""Celery's edge: each task takes ids and plain values, calls one function, returns."""

from typing import Any

from celery import chord, shared_task

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex import (
    building,
    fetching,
    mailing,
    page_notes,
    reports,
    subscriptions,
)
from celery_uncovered.toyex.github import GitHubError, RateLimited
from celery_uncovered.toyex.report import since


@shared_task(bind=True)
def produce_hot_repo_report_task(
    self: Any,
    period: str,
    ref_date: str | None = None,
    group_by: str = "topic",
    mail: bool = False,  # noqa: FBT001, FBT002  # a schedule's keyword
) -> Any:
    """Make the report as a chord: five fetches at once, then ``build_report_task`` under this id.

    Nothing waits: this job hands over to the chord, whose last task ends it.
    """
    report = reports.report_for(
        self.request.id, period=period, group_by=group_by, ref_date=ref_date
    )
    jobs.report_progress(done=0, total=len(fetching.PAGES), note="Asking for five pages")
    first_day = since(report.period, report.ref_date).isoformat()
    header = [fetch_hot_repos.s(first_day, fetching.PER_PAGE, page) for page in fetching.PAGES]
    return self.replace(chord(header, build_report_task.s(mail=mail)))


@shared_task(bind=True, max_retries=None)
def fetch_hot_repos(self: Any, since: str, per_page: int, page: int, waits: int = 0) -> Any:
    """One page: a list of repositories, or, with its attempts used up, a recorded failure.

    ``waits`` counts those of its retries that GitHub's limit asked for.
    """
    report_id = self.request.parent_id
    try:
        fetched = fetching.fetch_page(since, per_page, page, retries=waits)
    except GitHubError as error:
        delay = fetching.retry_delay(error, faults=self.request.retries - waits, waits=waits)
        if delay is None:
            if report_id:
                page_notes.note_failure(report_id, page)
            return fetching.failure_of(page, error).to_json()
        if report_id:
            page_notes.note_wait(report_id, page, error, delay)
        waits += isinstance(error, RateLimited)
        again = {"since": since, "per_page": per_page, "page": page, "waits": waits}
        raise self.retry(args=(), kwargs=again, exc=error, countdown=delay) from error
    if report_id:
        page_notes.note_page(report_id, page, fetched)
    return [item.to_json() for item in fetched.items]


@shared_task(bind=True)
def build_report_task(self: Any, pages: list[Any], mail: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Aggregate the pages into the CSV of the report whose job this is."""
    report = reports.report_of(self.request.id)
    if report is None:
        message = f"There is no report for job {self.request.id}."
        raise building.ReportFailedError(message)
    result = building.build_report(report, pages)
    if mail:
        subscriptions.submit_mails(report)
    return result


@shared_task(
    autoretry_for=(OSError,),
    max_retries=8,
    retry_backoff=5,
    retry_backoff_max=600,
)
def mail_report_task(report_task_id: str, subscription_id: int) -> str:
    """Send one report to one subscriber."""
    return mailing.mail_report(report_task_id, subscription_id)


@shared_task(
    autoretry_for=(OSError,),
    max_retries=8,
    retry_backoff=5,
    retry_backoff_max=600,
)
def mail_confirmation_task(subscription_id: int) -> str:
    """Ask the owner of an address whether they want the reports."""
    return mailing.mail_confirmation(subscription_id)
