"""The list of jobs; its address holds everything that it is filtered by."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from celery_uncovered.jobs import api as jobs

BOUNDS = {
    "24h": ("24 hours", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
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
    within = request.GET.get("within", "")
    given["within"] = within if within in BOUNDS else "24h"
    given["parts"] = "1" if request.GET.get("parts") == "1" else ""
    return given


def _filter_of(address: dict[str, str]) -> jobs.JobFilter:
    return jobs.JobFilter(
        within=BOUNDS[address["within"]][1],
        state=address["state"],
        task=address["task"],
        queue=address["queue"],
        text=address["q"],
        parts=bool(address["parts"]),
    )


def _context(viewer: jobs.Viewer, address: dict[str, str], page: jobs.JobPage) -> dict[str, Any]:
    wider = _next_bound(address["within"])
    return {
        "viewer": viewer,
        "address": address,
        "page": page,
        "states": jobs.State.choices,
        "queues": jobs.queue_names(),
        "bounds": [
            {
                "label": label,
                "href": _link(address, within=name),
                "is_current": name == address["within"],
            }
            for name, (label, _) in BOUNDS.items()
        ],
        "bound_label": BOUNDS[address["within"]][0],
        "wider": wider and {"label": BOUNDS[wider][0], "href": _link(address, within=wider)},
        "older": page.older and _link(address, after=page.older),
        "newest": _link(address),
        "without_task": _link(address, task=""),
        "is_filtered": any(address[name] for name in ("q", "state", "task", "queue")),
        "cleared": _link({"within": address["within"], "parts": address["parts"]}),
        "with_parts": "" if address["parts"] else _link(address, parts="1"),
    }


def _next_bound(current: str) -> str:
    names = list(BOUNDS)
    return next(iter(names[names.index(current) + 1 :]), "")


def _link(address: dict[str, str], **changes: str) -> str:
    wanted = address | changes
    kept = {name: value for name, value in wanted.items() if value and (name, value) != _DEFAULT}
    return f"?{urlencode(kept)}"


_DEFAULT = ("within", "24h")
