"""The page of the queues, for operators: what waits, who takes it; pause one, and resume it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from celery_uncovered.jobs import api as jobs


@require_safe
@jobs.operators_only
def queue_list(request: HttpRequest) -> HttpResponseBase:
    context = {"queues": jobs.list_queues(), "may_change": jobs.viewer_of(request).operates}
    return render(request, "dashboard/queues.html", context)


@require_POST
@jobs.operators_only
def pause(request: HttpRequest) -> HttpResponseBase:
    queue, reason = request.POST.get("queue", ""), request.POST.get("reason", "").strip()
    try:
        is_new = jobs.pause_queue(queue, by=request.user.get_username(), reason=reason)
    except jobs.JobError as error:
        messages.error(request, str(error))
        return _to_list()
    words = "is paused: what has begun finishes" if is_new else "was paused already"
    messages.success(request, f"Queue “{queue}” {words}.")
    return _to_list()


@require_POST
@jobs.operators_only
def resume(request: HttpRequest) -> HttpResponseBase:
    queue = request.POST.get("queue", "")
    words = "is resumed" if jobs.resume_queue(queue) else "was not paused"
    messages.success(request, f"Queue “{queue}” {words}.")
    return _to_list()


def _to_list() -> HttpResponseBase:
    return HttpResponseRedirect(reverse("dashboard:queues"), status=303)
