"""Middleware that gives a request a scope, which what it submits inherits."""

from asyncio import iscoroutinefunction
from collections.abc import Callable
from typing import Any

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from celery_uncovered.jobs import scope


@sync_and_async_middleware
def scope_of_request(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Have the view run in the scope that the function of JOBS_SCOPE_OF_REQUEST tells.

    It takes the request and gives a dict of declared names. Below the middleware of the session and the
    user, it knows them. The language is LocaleMiddleware's to choose.
    """
    tell = scope.of_request()
    if tell is None:
        sentence = "JOBS_SCOPE_OF_REQUEST names no function."
        raise MiddlewareNotUsed(sentence)
    if not iscoroutinefunction(get_response):

        def in_scope(request: HttpRequest) -> HttpResponseBase:
            with scope.use(**tell(request)):
                response: HttpResponseBase = get_response(request)
                return response

        return in_scope

    async def in_scope_async(request: HttpRequest) -> HttpResponseBase:
        with scope.use(**tell(request)):
            response: HttpResponseBase = await get_response(request)
            return response

    return in_scope_async
