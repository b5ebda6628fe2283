"""A page that breaks when it is told to."""

from typing import NoReturn

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from celery_uncovered.jobs import api as jobs


class ReportedOnPurposeError(Exception):
    """The error that the example raises."""

    def __init__(self) -> None:
        super().__init__("This error was raised on purpose, by the button of /report-error/.")


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.known_viewers_only
def report_error(request: HttpRequest) -> HttpResponseBase:
    """GET explains. POST fails with 500, as a view with a fault does; the mail is a worker's."""
    if request.method == "POST":
        _fail()
    context = {"sees_errors": jobs.viewer_of(request).sees_all}
    return render(request, "tricks/report_error.html", context)


def _fail() -> NoReturn:
    raise ReportedOnPurposeError
