"""The pages of the errors: their kinds, one kind, one mail."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from celery_uncovered.error_mails import queries
from celery_uncovered.error_mails.models import Kind, Mail
from celery_uncovered.jobs import api as jobs

_LARGEST_NUMBER = 2**63 - 1


@require_safe
@jobs.operators_only
def kind_list(request: HttpRequest) -> HttpResponseBase:
    """Those of the last day, at most 200."""
    context = {"kinds": queries.recent_kinds(), "post": queries.post()}
    return render(request, "error_mails/kinds.html", context)


@require_safe
@jobs.operators_only
def kind_page(request: HttpRequest, number: int) -> HttpResponseBase:
    kind = get_object_or_404(Kind, pk=_known(number))
    context = {"kind": kind, "parts": queries.mails_of(kind)}
    return render(request, "error_mails/kind.html", context)


@require_safe
@jobs.operators_only
def mail_page(request: HttpRequest, number: int) -> HttpResponseBase:
    mail = get_object_or_404(Mail, pk=_known(number))
    context = {"mail": mail, "parts": queries.parts_of(mail)}
    return render(request, "error_mails/mail.html", context)


def _known(number: int) -> int:
    """No row has a larger number, and databases refuse to look for one."""
    if number > _LARGEST_NUMBER:
        raise Http404
    return number
