"""Signing in: by the link that works once, or by name and password.

The link's GET changes nothing, so that a preview of it cannot use it up; its token is never logged.
"""

from typing import cast

import sesame.utils  # type: ignore[import-untyped]  # the package ships no types
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login, logout
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

LINK_IS_USED = "This link has been used, or is older than ten minutes."
WRONG_PASSWORD = "Name and password do not fit together."  # noqa: S105  # a sentence


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("token", "password")
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """GET shows the form, or the button for a link's ``token``; POST signs in."""
    response = _submitted(request) if request.method == "POST" else _page(request)
    response["Referrer-Policy"] = "no-referrer"
    add_never_cache_headers(response)
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    logout(request)
    return redirect("/")


def _submitted(request: HttpRequest) -> HttpResponseBase:
    token = request.POST.get("token", "")
    user = _redeem(request, token) if token else _check_password(request)
    if user is None:
        return _page(request, error=LINK_IS_USED if token else WRONG_PASSWORD)
    return HttpResponseRedirect(_own_address(request, request.POST.get("next", "")), status=303)


def _redeem(request: HttpRequest, token: str) -> AbstractUser | None:
    """Sign in the token's user, once."""
    with transaction.atomic():
        user = sesame.utils.get_user(token, update_last_login=False)
        if user is None:
            return None
        # A second press waits for this row, and then finds the token used.
        get_user_model().objects.select_for_update().get(pk=user.pk)
        user = sesame.utils.get_user(token, update_last_login=False)
        if user is not None:
            login(request, user)
    return cast("AbstractUser | None", user)


def _check_password(request: HttpRequest) -> AbstractUser | None:
    user = authenticate(
        request,
        username=request.POST.get("username", ""),
        password=request.POST.get("password", ""),
    )
    if user is not None:
        login(request, user)
    return cast("AbstractUser | None", user)


def _page(request: HttpRequest, *, error: str = "") -> HttpResponseBase:
    context = {
        "token": "" if error else request.GET.get("token", ""),
        "next": _own_address(request, request.POST.get("next", request.GET.get("next", ""))),
        "error": error,
        "link_is_used": error == LINK_IS_USED,
    }
    return render(request, "dashboard/sign_in.html", context, status=400 if error else 200)


def _own_address(request: HttpRequest, wanted: str) -> str:
    """``wanted`` if it is an address of this site; otherwise the start page."""
    is_own = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_own else settings.LOGIN_REDIRECT_URL
