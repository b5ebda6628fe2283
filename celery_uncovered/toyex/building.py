"""From fetched pages to the file: aggregate, rank, group, export, record."""

import tempfile
from collections.abc import Sequence
from typing import Any

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.fetching import PAGES, PageFailure
from celery_uncovered.toyex.github import Repository
from celery_uncovered.toyex.models import Report
from celery_uncovered.toyex.page_notes import pages_of
from celery_uncovered.toyex.report import group, summarise, top, write_csv

CSV_TYPE = "text/csv; charset=utf-8"
#: A CSV up to this size is made in memory, in bytes.
IN_MEMORY = 8 * 1024 * 1024


class ReportFailedError(Exception):
    """There is nothing to make a report from; the message is one sentence."""


def build_report(report: Report, pages: Sequence[Any]) -> dict[str, Any]:
    """Make the report's file from the values of its five fetches; return what the job results in.

    A value is a list of repositories, or a recorded failure. Raises ReportFailedError when no page
    came, or when GitHub refused the token or the query.
    """
    failures = [PageFailure(**value) for value in pages if isinstance(value, dict)]
    _refuse_hopeless(failures)
    found = [
        Repository.from_json(item) for value in pages if isinstance(value, list) for item in value
    ]
    ranked = top(found)
    groups = group(ranked, report.group_by)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        write_csv(groups, file)
        file.seek(0)
        jobs.save_artifact(file_name(report), file, content_type=CSV_TYPE)
    _record(report, failures, summarise(ranked, groups))
    return result_of(report)


def file_name(report: Report) -> str:
    return f"hot-repos-{report.period}-{report.ref_date}-by-{report.group_by}.csv"


def result_of(report: Report) -> dict[str, Any]:
    """The job's result: small, JSON, for scripts and for the page."""
    return {
        "period": report.period,
        "group_by": report.group_by,
        "ref_date": report.ref_date.isoformat(),
        "source": report.source,
        "repositories": report.repositories,
        "total_count": report.total_count,
        "groups": report.summary["group_count"],
        "rows": report.summary["row_count"],
        "complete": report.is_complete,
        "incomplete_results": report.incomplete_results,
        "missing_pages": report.missing_pages,
        "file": file_name(report),
    }


def _refuse_hopeless(failures: Sequence[PageFailure]) -> None:
    fatal = next((failure for failure in failures if failure.is_fatal), None)
    if fatal is not None:
        raise ReportFailedError(fatal.error)
    if len(failures) == len(PAGES):
        message = f"None of the {len(PAGES)} pages could be fetched; {failures[0].error}"
        raise ReportFailedError(message)


def _record(report: Report, failures: Sequence[PageFailure], summary: dict[str, Any]) -> None:
    pages = pages_of(report.task_id)
    report.missing_pages = sorted(failure.page for failure in failures)
    report.incomplete_results = any(page.incomplete_results for page in pages)
    report.total_count = max((page.total_count for page in pages), default=0)
    report.repositories = summary["repositories"]
    report.summary = summary
    report.is_complete = not failures and not report.incomplete_results
    report.save()
