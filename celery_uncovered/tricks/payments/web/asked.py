"""What a request wants to pay: a form's fields, or a JSON object of the same names."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from celery_uncovered.tricks.payments import accepting
from celery_uncovered.tricks.payments.errors import BadPaymentError


def wanted_in(request: HttpRequest) -> accepting.Wanted:
    """Raises BadPaymentError for a body that is no object or too large, and what ``judge`` raises."""
    given = _json_object(request) if request.content_type == "application/json" else request.POST
    return accepting.judge(
        token=given.get("token"),
        amount=given.get("amount"),
        currency=given.get("currency", "EUR"),
        reference=given.get("reference"),
    )


def _json_object(request: HttpRequest) -> Mapping[str, Any]:
    try:
        value = json.loads(request.body)
    except RequestDataTooBig:
        message = "The body is too large for what a payment is asked with."
        raise BadPaymentError(message) from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        message = "The body is not a JSON object."
        raise BadPaymentError(message)
    return value
