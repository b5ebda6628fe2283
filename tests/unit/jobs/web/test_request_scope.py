"""The middleware that gives a request a scope, and the page that shows a job's."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from celery_uncovered.jobs.api import scope
from celery_uncovered.jobs.web.request_scope import scope_of_request
from tests.support.app import scoped
from tests.unit.jobs.web.help import client_of, make_onlooker, make_user, session_reader


def by_host(request: HttpRequest) -> dict[str, Any]:
    return {"tenant": request.get_host().partition(".")[0]}


@pytest.fixture
def request_of_acme(settings: Any) -> HttpRequest:
    settings.JOBS_SCOPE_OF_REQUEST = f"{__name__}.by_host"
    settings.ALLOWED_HOSTS = ["*"]
    return RequestFactory().get("/", headers={"host": "acme.example"})


def answer(_: HttpRequest) -> HttpResponse:
    return HttpResponse(scope.get("tenant"))


def test_a_view_runs_in_the_scope_of_its_request(request_of_acme: HttpRequest) -> None:
    handle: Callable[[Any], Any] = scope_of_request(answer)
    assert handle(request_of_acme).content == b"acme"
    assert scope.current() == {}


def test_an_asynchronous_view_does_as_well(request_of_acme: HttpRequest) -> None:
    async def answer_later(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        return answer(request)

    handle: Callable[[Any], Any] = scope_of_request(answer_later)
    assert asyncio.run(handle(request_of_acme)).content == b"acme"


def test_without_a_function_the_middleware_is_left_out() -> None:
    with pytest.raises(MiddlewareNotUsed):
        scope_of_request(answer)


@pytest.mark.usefixtures("ledger")
def test_the_page_of_a_job_shows_its_scope_to_who_sees_its_arguments() -> None:
    with scope.use(tenant="acme & sons", locale="ja"):
        task_id = scoped.tell.delay().id
    bare = scoped.tell.delay().id
    onlooker = client_of(make_onlooker())
    page = onlooker.get(f"/jobs/{task_id}/").content.decode()
    assert "<h3>Scope</h3>" in page
    assert "acme &amp; sons" in page
    assert "<h3>Scope</h3>" not in onlooker.get(f"/jobs/{bare}/").content.decode()
    assert "acme" not in session_reader(task_id).get(f"/jobs/{task_id}/").content.decode()
    assert client_of(make_user()).get(f"/jobs/{task_id}/").status_code == 404
