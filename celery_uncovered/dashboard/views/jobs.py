"""The list of jobs; its address holds everything that it is filtered by."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from celery_uncovered.dashboard.bounds import (
    RECENT,
    address_with,
    bounds_of,
    known_bound,
)
from celery_uncovered.jobs import api as jobs

PAGE_SIZE = 50


@require_safe
@jobs.known_viewers_only
def job_list(request: HttpRequest) -> HttpResponseBase:
    """The jobs that this viewer may see: an operator all, others those they asked for."""
    viewer = jobs.viewer_of(request)
    address = _address_of(request)
    page = jobs.list_jobs(
        viewer,
        _filter_of(address),
        after=request.GET.get("after", ""),
        limit=PAGE_SIZE,
    )
    return render(request, "dashboard/jobs.html", _context(viewer, address, page))


def _address_of(request: HttpRequest) -> dict[str, str]:
    """The filters as the address has them; a value that cannot be is left out."""
    given = {name: request.GET.get(name, "").strip() for name in ("q", "state", "task", "queue")}
    given["state"] = given["state"].upper()
    if given["state"] not in jobs.State.values:
        given["state"] = ""
    given["within"] = known_bound(request.GET.get("within", ""), RECENT)
    given["parts"] = "1" if request.GET.get("parts") == "1" else ""
    return given


def _filter_of(address: dict[str, str]) -> jobs.JobFilter:
    return jobs.JobFilter(
        within=RECENT[address["within"]],
        state=address["state"],
        task=address["task"],
        queue=address["queue"],
        text=address["q"],
        parts=bool(address["parts"]),
    )


def _context(viewer: jobs.Viewer, address: dict[str, str], page: jobs.JobPage) -> dict[str, Any]:
    return {
        "viewer": viewer,
        "address": address,
        "page": page,
        "states": jobs.State.choices,
        "queues": jobs.queue_names(),
        **bounds_of(address, RECENT),
        "older": page.older and address_with(address, after=page.older),
        "newest": address_with(address),
        "without_task": address_with(address, task=""),
        "is_filtered": any(address[name] for name in ("q", "state", "task", "queue")),
        "cleared": address_with({"within": address["within"], "parts": address["parts"]}),
        "with_parts": "" if address["parts"] else address_with(address, parts="1"),
    }
