"""The page of the example: what it shows, and the button that runs it."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.task_log.registering import BAKE


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.known_viewers_only
def bakery(request: HttpRequest) -> HttpResponseBase:
    """GET explains. POST submits a job and sends the browser to its page, where its log grows."""
    if request.method != "POST":
        return render(request, "tricks/task_log/bakery.html")
    task_id = jobs.submit(BAKE)
    jobs.remember_reader(request, task_id)
    return HttpResponseRedirect(reverse("jobs:page", args=[task_id]), status=303)
