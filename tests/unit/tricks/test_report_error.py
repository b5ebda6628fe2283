"""The page that breaks on purpose: explained by GET, broken by POST, with the errors for operators."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.error_mails.storing import store
from tests.unit.error_mails.help import batch, tally
from tests.unit.jobs.web.help import client_of, make_operator, make_user

pytestmark = pytest.mark.django_db

PAGE = "/report-error/"


def gentle(client: Client) -> Client:
    """As over HTTP: what a view raises is an answer."""
    client.raise_request_exception = False
    return client


def test_it_is_for_known_visitors_and_loopback_where_settings_open_it(settings: Settings) -> None:
    for method in ("get", "post"):
        assert getattr(client_of(), method)(PAGE).status_code == 302
    settings.JOBS_OPEN_ON_LOOPBACK = True
    assert client_of(address="127.0.0.1").get(PAGE).status_code == 200


def test_the_button_breaks_the_page(caplog: pytest.LogCaptureFixture) -> None:
    client = gentle(client_of(make_user()))
    page = client.get(PAGE).content.decode()
    assert "Run: raise an error" in page
    answer = client.post(PAGE)
    assert answer.status_code == 500
    assert "Something broke" in answer.content.decode()
    [record] = [one for one in caplog.records if one.name == "django.request"]
    assert record.exc_info
    assert str(record.exc_info[1]) == (
        "This error was raised on purpose, by the button of /report-error/."
    )


def test_operators_see_the_errors_and_others_do_not() -> None:
    now = timezone.now().timestamp()
    store(batch(tally("a", 3, now, now)))
    assert "a went wrong" in client_of(make_operator()).get(PAGE).content.decode()
    page = client_of(make_user()).get(PAGE).content.decode()
    assert "a went wrong" not in page
    assert "an operator sees it here" in page


def test_the_start_page_has_a_card_with_a_button() -> None:
    page = client_of(make_user()).get("/").content.decode()
    assert f'<form method="post" action="{PAGE}">' in page
