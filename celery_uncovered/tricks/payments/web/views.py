"""The pages of the payments: the form with what was paid, and "Thank you", which ends by itself."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.payments import accepting
from celery_uncovered.tricks.payments.errors import BadPaymentError, PaymentError, TokenUsedError
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.money import DECIMALS
from celery_uncovered.tricks.payments.states import Status
from celery_uncovered.tricks.payments.web.access import payment_or_404, visible_payments
from celery_uncovered.tricks.payments.web.asked import wanted_in
from celery_uncovered.tricks.payments.web.documents import document_of, takes_long, version_of

_DEFAULTS = {"amount": "12.50", "currency": "EUR", "reference": "Order 1042"}
_LISTED = 50
#: How a payment's status looks: as the state of a job does.
_LOOKS = {
    Status.ACCEPTED: "queued",
    Status.CHARGING: "started",
    Status.SETTLED: "success",
    Status.DECLINED: "failure",
}


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("token")
@jobs.known_viewers_only
def payments(request: HttpRequest) -> HttpResponseBase:
    """GET shows the form and what was paid. POST accepts a payment and answers at once.

    JSON clients get 202 with ``task_id``, ``status_url`` and ``page_url``, or 400 or 409 with
    ``error``; browsers are sent to "Thank you". The same ``token`` again is the same payment.
    """
    if request.method != "POST":
        return _form(request)
    response = _pay(request)
    patch_vary_headers(response, ["Accept"])
    return response


@require_safe
def payment(request: HttpRequest, task_id: str) -> HttpResponseBase:
    found = payment_or_404(jobs.viewer_of(request), task_id)
    response = render(request, "tricks/payments/payment.html", _card_context(found))
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def card(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """The part of the page that changes."""
    found = payment_or_404(jobs.viewer_of(request), task_id)
    # Weak, because it also says how long ago something was.
    return jobs.unless_unchanged(
        request,
        render(request, "tricks/payments/_card.html", _card_context(found)),
        etag=f'W/"{version_of(found)}"',
    )


@require_safe
def status(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """The payment for scripts, with the seconds after which to ask again."""
    found = payment_or_404(jobs.viewer_of(request), task_id)
    return jobs.unless_unchanged(
        request,
        JsonResponse(document_of(found)),
        etag=f'"{version_of(found)}"',
        retry_after=None if found.is_final else 1,
    )


def _pay(request: HttpRequest) -> HttpResponseBase:
    try:
        wanted = wanted_in(request)
        viewer = jobs.identified_viewer(request)
        with transaction.atomic():
            accepted = accepting.accept(wanted, payer_id=viewer.user_id, session=viewer.session)
            if jobs.job_states([accepted.task_id]):
                jobs.remember_reader(request, accepted.task_id)
    except BadPaymentError as error:
        return _refused(request, error, status=400)
    except TokenUsedError as error:
        return _refused(request, error, status=409)
    return _accepted(request, accepted)


def _accepted(request: HttpRequest, accepted: Payment) -> HttpResponseBase:
    page_url = reverse("tricks:payment", args=[accepted.task_id])
    if not jobs.wants_json(request):
        return HttpResponseRedirect(page_url, status=303)
    answer = {
        "task_id": accepted.task_id,
        "status_url": reverse("tricks:payment-status", args=[accepted.task_id]),
        "page_url": page_url,
    }
    return JsonResponse(answer, status=202, headers={"Location": page_url})


def _refused(request: HttpRequest, error: PaymentError, *, status: int) -> HttpResponseBase:
    if jobs.wants_json(request):
        return JsonResponse({"error": str(error)}, status=status)
    return _form(request, error=str(error), status=status)


def _form(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponseBase:
    """With a token of its own each time that it is shown."""
    viewer = jobs.viewer_of(request)
    rows = visible_payments(viewer).select_related("payer").order_by("-accepted_at")[:_LISTED]
    context = {
        "error": error,
        "values": {name: request.POST.get(name, value) for name, value in _DEFAULTS.items()},
        "currencies": list(DECIMALS),
        "rows": [{"payment": row, "look": _LOOKS[Status(row.status)]} for row in rows],
        "sees_all": viewer.sees_all,
        "is_pretended": settings.PAYMENTS_STANDIN,
        "gateway": urlsplit(settings.PAYMENTS_GATEWAY_URL).hostname,
    }
    response = render(request, "tricks/payments/payments.html", context, status=status)
    # A page kept by the browser would bring a token that was used back.
    response["Cache-Control"] = "private, no-store"
    return response


def _card_context(found: Payment) -> dict[str, Any]:
    return {
        "payment": found,
        "title": "Not paid" if found.status == Status.DECLINED else "Thank you",
        "look": _LOOKS[Status(found.status)],
        "takes_long": takes_long(found),
        "has_job": bool(jobs.job_states([found.task_id])),
        "version": version_of(found),
    }
