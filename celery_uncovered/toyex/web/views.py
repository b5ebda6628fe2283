"""The pages of the reports: the form, which is also the JSON address, and the list."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_safe

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex import reports
from celery_uncovered.toyex.report import GROUPINGS, PERIODS, BadInput
from celery_uncovered.toyex.web.asked import asked_in

_DEFAULTS = {"period": "week", "group_by": "topic", "ref_date": ""}
_LATEST = 5
_LISTED = 50


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.known_viewers_only
def hot_repos(request: HttpRequest) -> HttpResponseBase:
    """GET shows the form. POST asks for a report and answers at once.

    JSON clients get 202 with ``task_id``, ``status_url`` and ``page_url``, or 400 with ``error``;
    browsers are sent to the job's page.
    """
    if request.method != "POST":
        return _form(request)
    response = _asked(request)
    patch_vary_headers(response, ["Accept"])
    return response


@require_safe
@jobs.known_viewers_only
def report_list(request: HttpRequest) -> HttpResponseBase:
    context = {"rows": _rows(request, _LISTED)} | _form_context(_DEFAULTS)
    return render(request, "toyex/reports.html", context)


def _asked(request: HttpRequest) -> HttpResponseBase:
    try:
        asked = asked_in(request)
        task_id = reports.request_report(
            period=asked.period,
            group_by=asked.group_by,
            ref_date=asked.ref_date,
            fresh=asked.fresh,
        )
    except BadInput as error:
        return _refused(request, str(error))
    jobs.remember_reader(request, task_id)
    return _accepted(request, task_id)


def _accepted(request: HttpRequest, task_id: str) -> HttpResponseBase:
    page_url = reverse("jobs:page", args=[task_id])
    if not jobs.wants_json(request):
        return HttpResponseRedirect(page_url, status=303)
    answer = {
        "task_id": task_id,
        "status_url": reverse("jobs:status", args=[task_id]),
        "page_url": page_url,
    }
    return JsonResponse(answer, status=202, headers={"Location": page_url})


def _refused(request: HttpRequest, sentence: str) -> HttpResponseBase:
    if jobs.wants_json(request):
        return JsonResponse({"error": sentence}, status=400)
    return _form(request, error=sentence, status=400)


def _form(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponseBase:
    values = {name: request.POST.get(name, value) for name, value in _DEFAULTS.items()}
    context = {"rows": _rows(request, _LATEST), "error": error} | _form_context(values)
    return render(request, "toyex/hot_repos.html", context, status=status)


def _form_context(values: dict[str, str]) -> dict[str, Any]:
    return {
        "periods": PERIODS,
        "groupings": GROUPINGS,
        "values": values,
        "source": reports.source_name(),
        "today": reports.today(),
    }


def _rows(request: HttpRequest, limit: int) -> list[dict[str, Any]]:
    """The latest reports that this viewer may see, each with its job."""
    recent = reports.recent_reports(limit)
    statuses = jobs.readable_statuses(
        jobs.viewer_of(request), [report.task_id for report in recent]
    )
    return [
        {"report": report, "status": statuses[report.task_id]}
        for report in recent
        if report.task_id in statuses
    ]
