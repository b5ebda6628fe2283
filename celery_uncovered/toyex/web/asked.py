"""What a request asks a report for: a form's fields, or a JSON object of the same names."""

import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from celery_uncovered.toyex.report import BadInput

_TRUE = ("1", "true", "on", "yes", True)
_FALSE = ("", "0", "false", "off", "no", False, None)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The values as they came; ``reports.request_report`` judges them."""

    period: Any
    group_by: Any
    ref_date: Any
    fresh: bool


def asked_in(request: HttpRequest) -> Asked:
    """Raises BadInput for a body that is no object or too large, or a ``fresh`` that is no yes or no."""
    given = _json_object(request) if request.content_type == "application/json" else request.POST
    return Asked(
        period=given.get("period") or "",
        group_by=given.get("group_by") or "topic",
        ref_date=given.get("ref_date") or None,
        fresh=_is_true(given.get("fresh")),
    )


def _json_object(request: HttpRequest) -> dict[str, Any]:
    try:
        value = json.loads(request.body)
    except RequestDataTooBig:
        message = "The body is too large for what a report is asked with."
        raise BadInput(message) from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        message = "The body is not a JSON object."
        raise BadInput(message)
    return value


def _is_true(value: Any) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    message = f'Fresh "{str(value)[:40]}" is not known; write true or false.'
    raise BadInput(message)
