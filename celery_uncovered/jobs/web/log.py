"""The addresses of a job's log: for scripts and for the page as it grows, and the whole as a file."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from celery_uncovered.jobs.task_log.tail import JobLog, read_log
from celery_uncovered.jobs.web.access import readable_job_or_404
from celery_uncovered.jobs.web.conditional import unless_unchanged
from celery_uncovered.jobs.web.document import as_json, fingerprint, retry_after
from celery_uncovered.jobs.web.log_view import log_from

#: The largest number that both databases compare with.
LARGEST = 2**63 - 1


@require_safe
def document(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """What was logged from ``?offset=`` on, and where to go on."""
    status = readable_job_or_404(request, task_id)
    offset = _offset(request)
    if offset is None:
        sentence = "The offset is no number; send the next_offset of the last answer, or none."
        return JsonResponse({"error": sentence}, status=400)
    # Its state first: what is logged before the end is stored before the end.
    found = _document(read_log(task_id, offset)) | {"is_final": status.is_final}
    return unless_unchanged(
        request,
        HttpResponse(as_json(found), content_type="application/json"),
        etag=f'"{fingerprint(found)}"',
        retry_after=retry_after(status),
    )


@require_safe
def lines(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """The same as a part of the page, which keeps its own rhythm."""
    readable_job_or_404(request, task_id)
    view = log_from(task_id, _offset(request) or 0)
    return unless_unchanged(
        request,
        render(request, "jobs/_log_lines.html", {"log": view}),
        etag=f'"{view.log.offset}-{view.log.next_offset}"',
    )


@require_safe
def text(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """All that is kept, as a file."""
    readable_job_or_404(request, task_id)
    whole = "".join(_as_text(read_log(task_id)))
    response = HttpResponse(whole, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="log.txt"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _offset(request: HttpRequest) -> int | None:
    """The number in the query, 0 where there is none; None for what is no offset."""
    given = request.GET.get("offset", "0")
    if not (given.isascii() and given.isdigit()):
        return None
    return min(int(given), LARGEST) if len(given) < len(str(LARGEST)) + 1 else LARGEST


def _document(log: JobLog) -> dict[str, Any]:
    return {
        "offset": log.offset,
        "next_offset": log.next_offset,
        "pieces": [asdict(one) for one in log.pieces],
    }


def _as_text(log: JobLog) -> list[str]:
    parts: list[str] = []
    attempt = 0
    for one in log.pieces:
        if one.left_out:
            parts.append(
                f"... {one.lines_left_out:,} lines ({one.left_out:,} bytes) left out ...\n"
            )
        if one.attempt != attempt:
            attempt = one.attempt
            parts.append(f"--- attempt {attempt} ---\n")
        parts.append(one.text)
    return parts
