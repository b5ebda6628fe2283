"""Answers that are sent only when they changed."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response


def unless_unchanged(
    request: HttpRequest, response: HttpResponse, *, etag: str, retry_after: int | None = None
) -> HttpResponse:
    """``response``, or 304 for a client that has the one with this ``etag`` (quoted).

    Both are private, and checked again each time. ``retry_after`` is in seconds.
    """
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    answer = get_conditional_response(request, etag=etag, response=response) or response
    if retry_after is not None:
        answer["Retry-After"] = str(retry_after)
    return answer
