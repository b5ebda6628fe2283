"""The addresses of the project, and ``/raise/N/``, which breaks in a way of its own for each N."""

from typing import NoReturn

from django.http import HttpRequest
from django.urls import include, path

#: Twenty and more classes of errors: a kind for each.
ERRORS = [type(f"Kind{number}Error", (Exception,), {}) for number in range(100)]


def fail(request: HttpRequest, number: int) -> NoReturn:
    message = f"{request.GET.get('note', 'nothing')} was to be done"
    raise ERRORS[number](message)


urlpatterns = [
    path("raise/<int:number>/", fail),
    path("", include("config.urls")),
]
