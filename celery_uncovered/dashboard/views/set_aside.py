"""Messages that no worker could take: their list, their bytes, sending one back, dropping it."""

import json
import re
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from celery_uncovered.dashboard.bounds import address_with, begin_of, bounds_of, known_bound
from celery_uncovered.dashboard.hexdump import hexdump
from celery_uncovered.jobs import api as jobs

PAGE_SIZE = 50
#: How much of a body the page shows; all of what is kept is one click away.
SHOWN_BYTES = 4096
#: What a font shows as a box at best.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@require_safe
@jobs.operators_only
def set_aside_list(request: HttpRequest) -> HttpResponseBase:
    address = {
        "queue": request.GET.get("queue", "").strip(),
        "within": known_bound(request.GET.get("within", "")),
    }
    found, older = jobs.list_set_aside(
        since=begin_of(address["within"]),
        queue=address["queue"],
        before=_number_of(request.GET.get("after", "")),
        limit=PAGE_SIZE,
    )
    context = {
        "found": found,
        "address": address,
        "queues": jobs.queue_names(),
        "older": older and address_with(address, after=str(older)),
        "newest": address_with(address),
        "cleared": address_with({"within": address["within"]}),
        **bounds_of(address),
    }
    return render(request, "dashboard/set_aside.html", context)


@require_safe
@jobs.operators_only
def message(request: HttpRequest, number: int) -> HttpResponseBase:
    found = _found_or_404(number)
    start = found.body[:SHOWN_BYTES]
    context: dict[str, Any] = {
        "message": found,
        "may_change": jobs.viewer_of(request).operates,
        "hex": hexdump(start),
        "text": _CONTROL.sub("\N{MIDDLE DOT}", start.decode("utf-8", "replace")),
        "shown": len(start),
        "headers": jobs.mask_value(json.loads(found.headers)),
        "properties": jobs.mask_value(json.loads(found.properties)),
        "can_be_sent": found.is_message and not found.is_cut,
    }
    return render(request, "dashboard/set_aside_message.html", context)


@require_safe
@jobs.operators_only
def content(request: HttpRequest, number: int) -> HttpResponseBase:  # noqa: ARG001  # a view takes one
    """The bytes as a file, which no browser takes for a page of this site."""
    found = _found_or_404(number)
    response = HttpResponse(found.body, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="set-aside-{number}.bin"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@jobs.operators_only
def send_back(request: HttpRequest, number: int) -> HttpResponseBase:
    try:
        jobs.send_back(number)
    except jobs.NotSetAsideError as error:
        raise Http404 from error
    except jobs.JobError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(
            reverse("dashboard:set-aside-message", args=[number]), status=303
        )
    messages.success(request, "The message is on its way to a worker again.")
    return _to_list()


@require_POST
@jobs.operators_only
def discard(request: HttpRequest, number: int) -> HttpResponseBase:
    try:
        jobs.discard_set_aside(number)
    except jobs.NotSetAsideError as error:
        raise Http404 from error
    messages.success(request, "The message is discarded.")
    return _to_list()


def _found_or_404(number: int) -> jobs.SetAsideInfo:
    try:
        return jobs.set_aside_message(number)
    except (jobs.NotSetAsideError, OverflowError) as error:
        raise Http404 from error


def _number_of(text: str) -> int | None:
    """A cursor, or None for what is none: no row has a number of more digits."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _to_list() -> HttpResponseBase:
    return HttpResponseRedirect(reverse("dashboard:set-aside"), status=303)
