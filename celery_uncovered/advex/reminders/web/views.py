"""The page of the reminders, for operators of an installation on somebody's machine."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from celery_uncovered.advex.reminders.errors import WebhookError
from celery_uncovered.advex.reminders.github import recorded
from celery_uncovered.advex.reminders.models import PullRequest
from celery_uncovered.advex.reminders.receiving import Outcome
from celery_uncovered.advex.reminders.web.sending import next_number, send_recorded
from celery_uncovered.advex.reminders.web.watching import Watched, state_of, watch
from celery_uncovered.jobs import api as jobs

_LISTED = 25
_LONGEST_NUMBER = 9
#: What the buttons of a pull request send, and what they say.
_BUTTONS = {
    "merged": "Merge it",
    "closed": "Close it",
    "reopened": "Reopen it",
    "labeled": "Label it",
}


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.operators_only
def reminders(request: HttpRequest) -> HttpResponseBase:
    """GET lists pull requests. POST sends the recorded ``webhook``, for a new one or ``number``."""
    if request.method != "POST":
        return _list(request)
    webhook, number = request.POST.get("webhook", ""), request.POST.get("number", "").strip()
    if webhook not in recorded.SENT:
        return _list(request, error="Choose a recorded webhook.", status=400)
    if number and not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        return _list(request, error="The number is not one of a pull request.", status=400)
    chosen = int(number) if number else next_number()
    try:
        outcome = send_recorded(webhook, chosen)
    except WebhookError as error:
        return _list(request, error=str(error), status=error.status)
    return _sent(request, webhook, chosen, outcome)


@require_safe
@jobs.operators_only
def pull_request(request: HttpRequest, number: int) -> HttpResponseBase:
    """One pull request, of the recorded repository."""
    return _uncached(
        render(request, "advex/reminders/pull_request.html", _context(watch(_pull_or_404(number))))
    )


@require_safe
@jobs.operators_only
def card(request: HttpRequest, number: int) -> HttpResponseBase:
    """The part of the page that changes."""
    watched = watch(_pull_or_404(number))
    return jobs.unless_unchanged(
        request,
        render(request, "advex/reminders/_card.html", _context(watched)),
        etag=f'"{watched.version}"',
    )


def _sent(request: HttpRequest, webhook: str, number: int, outcome: Outcome) -> HttpResponseBase:
    messages.info(request, f'The webhook "{webhook}" was answered: {outcome.word}.')
    is_known = PullRequest.objects.filter(repo=recorded.REPO, number=number).exists()
    address = (
        reverse("advex:pull-request", args=[number]) if is_known else reverse("advex:reminders")
    )
    return HttpResponseRedirect(address, status=303)


def _pull_or_404(number: int) -> PullRequest:
    # Databases refuse to look for a larger one.
    return get_object_or_404(
        PullRequest, repo=recorded.REPO, number=min(number, 10**_LONGEST_NUMBER)
    )


def _list(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponseBase:
    pulls = PullRequest.objects.filter(repo=recorded.REPO).order_by("-seen_at")[:_LISTED]
    context = {
        "error": error,
        "webhooks": recorded.SENT,
        "repo": recorded.REPO,
        "next_number": next_number(),
        "rows": [Watched(pull=pull, state=state_of(pull)) for pull in pulls],
        "is_pretended": settings.SLACK_STANDIN,
    }
    return _uncached(render(request, "advex/reminders/reminders.html", context, status=status))


def _context(watched: Watched) -> dict[str, Any]:
    names = ("merged", "closed", "labeled") if watched.pull.is_open else ("reopened",)
    return {"watched": watched, "buttons": {name: _BUTTONS[name] for name in names}}


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response
