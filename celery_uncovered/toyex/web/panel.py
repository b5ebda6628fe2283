"""What a report's job page shows: its summary, the chart, the first rows, and making it anew."""

from typing import Any

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex import reports
from celery_uncovered.toyex.models import Report

#: Other addresses come from data that anybody may write, and are shown as text.
_TRUSTED = "https://github.com/"


def report_panel_context(status: jobs.JobStatus) -> dict[str, Any]:
    """The context of ``toyex/report_panel.html``; ``title`` is also the page's title."""
    report = reports.report_of(status.task_id)
    if report is None:
        return {"title": "Hot repositories", "report": None, "keeps_file": True}
    is_built = status.state == jobs.State.SUCCESS and report.is_complete is not None
    return {
        "title": title_of(report),
        "report": report,
        "keeps_file": True,
        "is_built": is_built,
        "has_failed": status.is_final and not is_built,
        "missing_pages": _names(report.missing_pages),
        "bars": _bars(report.summary.get("groups", [])),
        "rows": [_row(row) for row in report.summary.get("rows", [])],
        "groups": report.summary.get("group_count", 0),
        "stars": report.summary.get("stars", 0),
        "group_word": f"{report.group_by}s",
    }


def title_of(report: Report) -> str:
    day = f"{report.ref_date.day} {report.ref_date:%B %Y}"
    return f"Hot repositories of the {report.period} to {day}, by {report.group_by}"


def _bars(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups with the length of their bars in percent of the longest."""
    longest = max((group["stars"] for group in groups), default=0) or 1
    return [group | {"width": f"{100 * group['stars'] / longest:.2f}%"} for group in groups]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    url = str(row.get("url") or "")
    return row | {"link": url if url.startswith(_TRUSTED) else ""}


def _names(pages: list[int]) -> str:
    """Page 3; pages 2 and 4; pages 1, 2 and 4."""
    names = [str(page) for page in pages]
    if len(names) <= 1:
        return "".join(f"page {name}" for name in names)
    return f"pages {', '.join(names[:-1])} and {names[-1]}"
