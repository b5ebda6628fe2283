"""What an operator does with a run: send it an event, cancel it, resume it, fork it."""

import json
from collections.abc import Callable, Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from celery_uncovered.dashboard.run_pages import is_for_event
from celery_uncovered.dashboard.views.runs import number_of, run_or_404
from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows

#: Records that the form to fork offers, the newest ones.
OFFERED = 100


@require_POST
@jobs.operators_only
def cancel(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """It and its children; a run that is over stays as it is, and the page says so."""
    run_or_404(run_id)
    if workflows.cancel(run_id):
        messages.success(request, "The run is cancelled, with all runs that it started.")
    else:
        messages.warning(request, "The run was over before.")
    return _to_page(run_id)


@require_POST
@jobs.operators_only
def resume(request: HttpRequest, run_id: str) -> HttpResponseBase:
    run_or_404(run_id)
    return _act(request, run_id, lambda: workflows.resume(run_id), "The run goes on.")


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.operators_only
def event(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """The form for an event that the run waits for; POST sends it, or says what is wrong."""
    run = run_or_404(run_id)
    keys = [wait.key or "" for wait in workflows.open_waits(run_id) if is_for_event(wait)]
    key = request.POST.get("key") or request.GET.get("key", "")
    error = ""
    if request.method == "POST":
        try:
            _send(key, keys, request.POST.get("payload", ""))
        except (_PayloadError, _NotWaitedForError, workflows.WorkflowError) as wrong:
            error = str(wrong)
        else:
            messages.success(request, f"The event “{key}” is sent.")
            return _to_page(run_id)
    context = {
        "run": run,
        "keys": list(dict.fromkeys(keys)),
        "key": key if key in keys else "",
        "payload": request.POST.get("payload", ""),
        "error": error,
        "is_shared": workflows.others_waiting_for(keys, run_id),
    }
    return render(request, "dashboard/run_event.html", context, status=400 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.operators_only
def fork(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """The choice of a record to begin again from; POST starts the other run and shows it."""
    run = run_or_404(run_id)
    step = number_of(request.POST.get("step") or request.GET.get("step", ""))
    error = ""
    if request.method == "POST":
        try:
            forked = _fork(run_id, step)
        except (_NoStepError, workflows.WorkflowError) as wrong:
            error = str(wrong)
        else:
            messages.success(request, "This is the fork: it goes on from the step that you chose.")
            return _to_page(forked.id)
    entries = workflows.run_story(run, before=_window(step)).entries
    offered = [one for one in entries if one.number is not None and not one.is_left_behind]
    context = {"run": run, "offered": offered[::-1][:OFFERED], "step": step, "error": error}
    return render(request, "dashboard/run_fork.html", context, status=400 if error else 200)


def _send(key: str, keys: Collection[str], text: str) -> None:
    if key not in keys:
        raise _NotWaitedForError(key)
    workflows.send_event(key, _payload_of(text))


def _fork(run_id: str, step: int | None) -> workflows.Handle[Any]:
    if step is None:
        raise _NoStepError
    return workflows.fork(run_id, step)


def _window(step: int | None) -> int | None:
    """So that the record in question is among those that are offered."""
    return None if step is None else step + OFFERED // 2


def _act(request: HttpRequest, run_id: str, act: Callable[[], None], done: str) -> HttpResponseBase:
    try:
        act()
    except workflows.WorkflowError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return _to_page(run_id)


def _to_page(run_id: str) -> HttpResponseBase:
    return HttpResponseRedirect(reverse("dashboard:run", args=[run_id]), status=303)


def _payload_of(text: str) -> Any:
    """The value of a JSON text; None for an empty one. Raises _PayloadError."""
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        reason = (
            f"{error.msg[:1].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno}"
        )
        raise _PayloadError(reason) from error
    except (RecursionError, ValueError) as error:
        raise _PayloadError(str(error)) from error


def _refuse(word: str) -> Any:
    message = f"it has no {word}"
    raise ValueError(message)


class _PayloadError(ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The payload is not JSON: {reason}.")


class _NotWaitedForError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(f"The run does not wait for the event “{key}” now.")


class _NoStepError(ValueError):
    def __init__(self) -> None:
        super().__init__("Choose the step that the fork begins with.")
