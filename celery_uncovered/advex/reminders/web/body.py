"""Reading a body of which nobody is trusted to say how long it is."""

from typing import Protocol

from django.http import HttpRequest, UnreadablePostError

from celery_uncovered.advex.reminders.errors import BadRequestError, TooLargeError

#: GitHub's own limit.
LARGEST_BODY = 25 * 2**20
_CHUNK = 64 * 1024


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_body(request: HttpRequest, *, limit: int = LARGEST_BODY) -> bytes:
    """All of it. Raises TooLargeError as soon as more than ``limit`` bytes have come."""
    source = _source_of(request)
    body = bytearray()
    try:
        while chunk := source.read(min(_CHUNK, limit + 1 - len(body))):
            body += chunk
            if len(body) > limit:
                raise TooLargeError(limit)
    except (UnreadablePostError, OSError):
        message = "The body was cut off."
        raise BadRequestError(message) from None
    return bytes(body)


def _source_of(request: HttpRequest) -> Source:
    """Django takes a body without a length, sent in chunks, for an empty one; the server knows better."""
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        source: Source = request.META["wsgi.input"]
        return source
    return request
