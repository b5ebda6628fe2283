"""Asking for a report: the one that exists, the one that is being made, or a new one."""

from datetime import date
from typing import Any

from django.db import transaction

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.building import file_name
from celery_uncovered.toyex.models import Report
from celery_uncovered.toyex.report import parse_grouping, parse_period, parse_ref_date
from celery_uncovered.toyex.sources import source_name, today

PRODUCE = "celery_uncovered.toyex.tasks.produce_hot_repo_report_task"
FETCH = "celery_uncovered.toyex.tasks.fetch_hot_repos"
BUILD = "celery_uncovered.toyex.tasks.build_report_task"


def request_report(
    *,
    period: str,
    group_by: str = "topic",
    ref_date: str | date | None = None,
    fresh: bool = False,
) -> str:
    """Return the ``task_id`` of a report.

    That is the complete one that exists, unless ``fresh``; or the one that is being made; or a new
    job.

    Raises BadInput in one sentence for a period, grouping or date that cannot be.
    """
    wanted = _wanted(period, group_by, ref_date)
    with transaction.atomic():
        existing = None if fresh else _existing(wanted)
        if existing is not None:
            return existing
        task_id = jobs.submit(
            PRODUCE,
            kwargs={
                "period": wanted["period"],
                "ref_date": wanted["ref_date"].isoformat(),
                "group_by": wanted["group_by"],
            },
            unique_key=":".join(["hot-repos", *map(str, wanted.values())]),
        )
        Report.objects.get_or_create(task_id=task_id, defaults=wanted)
    return task_id


def report_for(task_id: str, *, period: str, group_by: str, ref_date: str | None) -> Report:
    """The row of the report that the job ``task_id`` makes; inserted where a schedule asked."""
    wanted = _wanted(period, group_by, ref_date)
    return Report.objects.get_or_create(task_id=task_id, defaults=wanted)[0]


def report_of(task_id: str) -> Report | None:
    return Report.objects.filter(task_id=task_id).first()


def recent_reports(limit: int = 50) -> list[Report]:
    return list(Report.objects.order_by("-created_at")[:limit])


def _wanted(period: str, group_by: str, ref_date: str | date | None) -> dict[str, Any]:
    day = today() if ref_date in (None, "") else ref_date
    return {
        "period": parse_period(period),
        "group_by": parse_grouping(group_by),
        "ref_date": parse_ref_date(str(day), today=today()),
        "source": source_name(),
    }


def _existing(wanted: dict[str, Any]) -> str | None:
    """The newest complete report of the kind whose file is still there."""
    candidates = Report.objects.filter(is_complete=True, **wanted)
    for report in sorted(candidates, key=lambda one: one.created_at, reverse=True):
        if jobs.find_artifact(report.task_id, file_name(report)) is not None:
            return report.task_id
    return None


__all__ = ["recent_reports", "report_for", "report_of", "request_report", "source_name", "today"]
