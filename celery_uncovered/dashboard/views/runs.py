"""The list of runs, the page of one, and its card, which the page polls."""

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from celery_uncovered.dashboard.bounds import address_with, begin_of, bounds_of, known_bound
from celery_uncovered.dashboard.run_pages import FULL, LIST, SHOWN, RunView, run_view
from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows

PAGE_SIZE = 50
FILTERS = ("q", "state", "workflow")


@require_safe
@jobs.operators_only
def run_list(request: HttpRequest) -> HttpResponseBase:
    address = _address_of(request.GET)
    wanted = workflows.RunFilter(
        since=begin_of(address["within"]),
        state=address["state"],
        workflow=address["workflow"],
        text=address["q"],
    )
    page = workflows.list_runs(wanted, after=request.GET.get("after", ""), limit=PAGE_SIZE)
    waits = workflows.waits_of([run.id for run in page.runs])
    context = {
        "address": address,
        "rows": [(run, waits.get(run.id, [])) for run in page.runs],
        "states": workflows.RunState.choices,
        "names": _names(address["workflow"]),
        "older": page.older and address_with(address, after=page.older),
        "newest": address_with(address),
        "is_filtered": any(address[name] for name in FILTERS),
        "cleared": address_with({"within": address["within"]}),
        **bounds_of(address),
    }
    return render(request, "dashboard/runs.html", context)


@require_safe
@jobs.operators_only
def page(request: HttpRequest, run_id: str) -> HttpResponseBase:
    context = {"view": _view_of(request, run_id)}
    response = render(request, "dashboard/run.html", context | _ways(request))
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@jobs.operators_only
def card(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """The part of the page that changes. The page keeps its own rhythm: no Retry-After here."""
    view = _view_of(request, run_id)
    # Weak, because the forms in it carry another CSRF token each time.
    return jobs.unless_unchanged(
        request,
        render(request, "dashboard/_run_card.html", {"view": view} | _ways(request)),
        etag=f'W/"{view.version}"',
    )


def run_or_404(run_id: str) -> workflows.RunInfo:
    try:
        return workflows.run_info(run_id)
    except workflows.RunNotFoundError as error:
        raise Http404 from error


def number_of(text: str) -> int | None:
    """A number of a record, or None for what is none: no history has one of more digits."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _view_of(request: HttpRequest, run_id: str) -> RunView:
    return run_view(
        run_or_404(run_id),
        jobs.viewer_of(request),
        shown=_shown(request),
        before=number_of(request.GET.get("before", "")),
    )


def _ways(request: HttpRequest) -> dict[str, Any]:
    """The other ways to show the history, with their addresses; LIST goes without saying."""
    shown = _shown(request)
    ways = [
        {
            "label": label,
            "query": "" if name == LIST else f"?show={name}",
            "is_current": name == shown,
        }
        for name, label in SHOWN.items()
    ]
    return {"ways": ways, "is_full": shown == FULL, "query": request.GET.urlencode()}


def _shown(request: HttpRequest) -> str:
    name = request.GET.get("show", LIST)
    return name if name in SHOWN else LIST


def _address_of(given: QueryDict) -> dict[str, str]:
    """The filters as the address has them; a value that cannot be is left out."""
    address = {name: given.get(name, "").strip() for name in FILTERS}
    address["state"] = address["state"].upper()
    if address["state"] not in workflows.RunState.values:
        address["state"] = ""
    return address | {"within": known_bound(given.get("within", ""))}


def _names(wanted: str) -> list[str]:
    """The workflows to choose from, and the one of the address, which the code may not have any more."""
    known = workflows.workflow_names()
    return known if not wanted or wanted in known else [*known, wanted]
