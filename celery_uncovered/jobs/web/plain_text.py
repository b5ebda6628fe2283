"""Refuses text that no database holds, before anything asks a database with it."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponseBase
from django.http.request import UnreadablePostError

NUL = "\0"


def refuse_nul(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: no answer to a NUL, which PostgreSQL cannot look up.

    404 for one in the path, 400 in query, form or cookies. It stands before the sessions, since a cookie is what a session is looked up by. What a JSON
    body says is for its view to judge.
    """

    def guarded(request: HttpRequest) -> HttpResponseBase:
        if NUL in request.path:
            raise Http404
        if any(NUL in text for text in _texts_of(request)):
            message = "The request has a NUL character."
            raise BadRequest(message)
        return get_response(request)

    return guarded


def _texts_of(request: HttpRequest) -> Iterator[str]:
    yield from request.COOKIES.values()
    forms = [request.GET]
    with suppress(UnreadablePostError):  # the visitor has gone; the view meets it too
        forms.append(request.POST)
    for form in forms:
        for name, values in form.lists():
            yield name
            yield from map(str, values)
