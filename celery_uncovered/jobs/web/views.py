"""The addresses of one job: its page, the card that the page polls, its status, cancelling it, retrying it, discarding it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from celery_uncovered.jobs.cancel import cancel_job
from celery_uncovered.jobs.dead_letters import discard_job
from celery_uncovered.jobs.errors import JobError
from celery_uncovered.jobs.replay import retry_job
from celery_uncovered.jobs.web.access import (
    may_cancel,
    operators_only,
    readable_job_or_404,
    viewer_of,
)
from celery_uncovered.jobs.web.conditional import unless_unchanged
from celery_uncovered.jobs.web.document import as_json, fingerprint, retry_after, status_document
from celery_uncovered.jobs.web.log_view import log_end
from celery_uncovered.jobs.web.presentation import JobView, job_view


@require_safe
def page(request: HttpRequest, task_id: str) -> HttpResponseBase:
    context = {"view": _view_of(request, task_id), "log": log_end(task_id)}
    response = render(request, "jobs/job.html", context)
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def card(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """The part of the page that changes. The page keeps its own rhythm: no Retry-After here."""
    view = _view_of(request, task_id)
    # Weak, because the forms in it carry another CSRF token each time.
    return unless_unchanged(
        request,
        render(request, "jobs/_card.html", {"view": view, "is_polled": True}),
        etag=f'W/"{view.version}"',
    )


@require_safe
def status(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """The status for scripts, with the seconds after which to ask again."""
    found = readable_job_or_404(request, task_id)
    document = status_document(found)
    return unless_unchanged(
        request,
        HttpResponse(as_json(document), content_type="application/json"),
        etag=f'"{fingerprint(document)}"',
        retry_after=retry_after(found),
    )


@require_POST
def cancel(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """Cancel the job, for its readers and operators; one that has ended stays as it is."""
    found = readable_job_or_404(request, task_id)
    viewer = viewer_of(request)
    if may_cancel(viewer, found):
        cancel_job(task_id)
    elif not (viewer.operates or viewer.reads(task_id)):
        raise Http404
    return _to_page(task_id)


@require_POST
@operators_only
def retry(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """Queue a job that failed or was cancelled again; what is refused is said on its page."""
    return _act(request, task_id, retry_job, "The job is queued again.")


@require_POST
@operators_only
def discard(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """Let a failed job rest."""
    return _act(request, task_id, discard_job, "The job is discarded: it waits for nobody now.")


def _act(
    request: HttpRequest, task_id: str, act: Callable[[str], None], done: str
) -> HttpResponseBase:
    readable_job_or_404(request, task_id)
    try:
        act(task_id)
    except JobError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return _to_page(task_id)


def _to_page(task_id: str) -> HttpResponseBase:
    response = redirect("jobs:page", task_id)
    response.status_code = 303
    return response


def _view_of(request: HttpRequest, task_id: str) -> JobView:
    return job_view(readable_job_or_404(request, task_id), viewer_of(request))
