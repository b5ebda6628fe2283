"""The start page, and the sign of life for whoever watches the service."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows

_LATEST = 5
STUCK = (workflows.RunState.BLOCKED, workflows.RunState.DEAD)


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponseBase:
    """What this is; it also gives JSON clients their CSRF cookie."""
    viewer = jobs.viewer_of(request)
    context = {
        "viewer": viewer,
        "examples": [one for one in jobs.examples() if _is_for(viewer, one)],
        "cards": [link for link in jobs.links() if _is_for(viewer, link)],
        "trouble": _trouble(viewer),
        "stuck": _stuck(viewer),
        "latest": _latest(viewer) if viewer.is_known else (),
    }
    return render(request, "dashboard/home.html", context)


def _is_for(viewer: jobs.Viewer, shown: jobs.Example | jobs.NavigationLink) -> bool:
    return viewer.sees_all or not shown.operators_only


def _trouble(viewer: jobs.Viewer) -> str:
    """What an operator should know before anything else."""
    dispatching = jobs.dispatching() if viewer.sees_all else None
    return dispatching.sentence if dispatching and not dispatching.is_well else ""


def _stuck(viewer: jobs.Viewer) -> list[workflows.RunState]:
    """The states in which runs wait for an operator, as far as there are such runs."""
    if not viewer.sees_all:
        return []
    return [state for state in STUCK if _is_any(workflows.RunFilter(state=state))]


def _is_any(wanted: workflows.RunFilter) -> bool:
    return bool(workflows.list_runs(wanted, limit=1).runs)


def _latest(viewer: jobs.Viewer) -> tuple[jobs.JobStatus, ...]:
    return jobs.list_jobs(viewer, jobs.JobFilter(), limit=_LATEST).jobs


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # a view takes one
    """200 where the database answers, 503 where it does not; never why."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("unavailable", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")
