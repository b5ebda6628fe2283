"""Subscribing to the scheduled reports, and leaving: what changes anything is a POST."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex import subscriptions
from celery_uncovered.toyex.report import PERIODS, BadInput

FORM = "toyex/subscribe.html"
TOKEN_PAGE = "toyex/subscription.html"  # noqa: S105  # a template's name


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("email")
@jobs.known_viewers_only
def subscribe(request: HttpRequest) -> HttpResponseBase:
    """The answer is the same for each address, so that nobody learns who subscribes."""
    email = request.POST.get("email", "").strip()
    period = request.POST.get("period", "week")
    context = {"periods": PERIODS, "email": email, "period": period}
    if request.method != "POST":
        return render(request, FORM, context)
    try:
        subscriptions.subscribe(email, period)
    except BadInput as error:
        return render(request, FORM, context | {"error": str(error)}, status=400)
    return render(request, FORM, context | {"is_asked": True})


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponseBase:
    """The mail's link: GET asks, POST starts sending."""
    look = subscriptions.confirm if request.method == "POST" else subscriptions.find_by_token
    subscription = look(token)
    if subscription is None:
        raise Http404
    is_done = subscription.confirmed_at is not None
    context = {"subscription": subscription, "act": "confirm", "is_done": is_done}
    return _token_page(request, context)


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponseBase:
    """The link in each mail: GET asks, POST stops sending; again changes nothing."""
    subscription = subscriptions.find_by_token(token)
    if request.method == "POST":
        subscriptions.leave(token)
    is_done = request.method == "POST" or subscription is None
    context = {"subscription": subscription, "act": "leave", "is_done": is_done}
    return _token_page(request, context)


def _token_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponseBase:
    response = render(request, TOKEN_PAGE, context)
    add_never_cache_headers(response)
    return response
