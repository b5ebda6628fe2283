"""Failed jobs that wait for somebody: the list, and what is done to those that are chosen."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from celery_uncovered.dashboard.bounds import address_with, begin_of, bounds_of, known_bound
from celery_uncovered.jobs import api as jobs

PAGE_SIZE = 50
#: What one request takes at most; the page says that there are more.
AT_ONCE = 10_000
FILTERS = ("task", "queue", "error_type")
EVERY = "every"


@require_safe
@jobs.operators_only
def dead_letter_list(request: HttpRequest) -> HttpResponseBase:
    address = _address_of(request.GET)
    wanted = _filter_of(address)
    page = jobs.list_dead_letters(wanted, after=request.GET.get("after", ""), limit=PAGE_SIZE)
    context = {
        "viewer": jobs.viewer_of(request),
        "address": address,
        "page": page,
        "count": _about(jobs.count_dead_letters(wanted)),
        "until": timezone.now().isoformat(),
        "queues": jobs.queue_names(),
        "older": page.older and address_with(address, after=page.older),
        "newest": address_with(address),
        "is_filtered": any(address[name] for name in FILTERS),
        "cleared": address_with({"within": address["within"]}),
        **bounds_of(address),
    }
    return render(request, "dashboard/dead_letters.html", context)


@require_POST
@jobs.operators_only
def retry(request: HttpRequest) -> HttpResponseBase:
    """Asks first, with a count; a POST with ``confirmed`` acts."""
    return _act(request, "retry", jobs.retry_dead_letters)


@require_POST
@jobs.operators_only
def discard(request: HttpRequest) -> HttpResponseBase:
    return _act(request, "discard", jobs.discard_dead_letters)


def _act(request: HttpRequest, act: str, on_all: Callable[..., jobs.Tended]) -> HttpResponseBase:
    address, form = _address_of(request.POST), request.POST
    back = f"{reverse('dashboard:dead-letters')}{address_with(address)}"
    ids = tuple(form.getlist("id"))
    if not ids and form.get("which") != EVERY:
        messages.error(request, f"No job was chosen; tick those to {act}.")
        return HttpResponseRedirect(back, status=303)
    until = _moment_of(form.get("until", ""))
    chosen = jobs.DeadLetterFilter(ids=ids) if ids else _filter_of(address, until)
    if form.get("confirmed") != "yes":
        return _confirm(request, act, chosen, {"address": address, "ids": ids, "back": back})
    tended = on_all(chosen, limit=AT_ONCE)
    _say(request, act, tended)
    return HttpResponseRedirect(back, status=303)


def _confirm(
    request: HttpRequest, act: str, chosen: jobs.DeadLetterFilter, more: dict[str, Any]
) -> HttpResponseBase:
    context = {
        "act": act,
        "is_discard": act == "discard",
        "count": jobs.count_dead_letters(chosen, bound=AT_ONCE + 1),
        "at_once": AT_ONCE,
        "until": chosen.until.isoformat() if chosen.until else "",
        "since": chosen.since,
        **more,
    }
    return render(request, "dashboard/confirm_dead_letters.html", context)


def _say(request: HttpRequest, act: str, tended: jobs.Tended) -> None:
    word = "queued again" if act == "retry" else "discarded"
    number = "1 job is" if tended.done == 1 else f"{tended.done:,} jobs are"
    messages.success(request, f"{number} {word}.")
    if tended.left:
        number = "1 job" if tended.left == 1 else f"{tended.left:,} jobs"
        messages.warning(
            request, f"{number} could not be {word}; retry it on its own page to hear why."
        )
    if tended.done + tended.left >= AT_ONCE:
        messages.warning(request, f"Those were the {AT_ONCE:,} oldest; do it again for the rest.")


def _address_of(given: QueryDict) -> dict[str, str]:
    address = {name: given.get(name, "").strip() for name in FILTERS}
    return address | {"within": known_bound(given.get("within", ""))}


def _filter_of(address: dict[str, str], until: datetime | None = None) -> jobs.DeadLetterFilter:
    """``until`` is when the page was made: what fails later was not on it."""
    return jobs.DeadLetterFilter(
        task=address["task"],
        queue=address["queue"],
        error_type=address["error_type"],
        since=begin_of(address["within"]),
        until=until,
    )


def _moment_of(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return timezone.now()
    return moment if timezone.is_aware(moment) else timezone.now()


def _about(count: int) -> str:
    return f"{count:,}" if count < AT_ONCE else f"more than {AT_ONCE - 1:,}"
