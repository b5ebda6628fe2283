from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.jobs.models import Leader
from tests.unit.jobs.web.help import (
    client_of,
    make_job,
    make_operator,
    make_user,
    session_reader,
    user_reader,
)

pytestmark = pytest.mark.django_db

EVERY_PAGE = (
    "/",
    "/jobs/",
    "/jobs/job-1/",
    "/schedules/",
    "/sign-in/",
    "/reports/",
    "/reports/hot-repos/",
    "/reports/subscribe/",
    "/reports/leave/x/",
    "/tricks/payments/",
    "/tricks/payments/x/",
    "/nothing-here/",
)


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_every_page_has_the_strict_policy(address: str) -> None:
    make_job()
    policy = client_of(make_operator()).get(address)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_start_page_gives_the_csrf_cookie_and_the_ways_on() -> None:
    answer = client_of().get("/")
    assert "csrftoken" in answer.cookies
    page = answer.content.decode()
    assert 'href="/reports/"' in page
    assert 'href="/schedules/"' not in page
    assert 'href="/schedules/"' in client_of(make_operator()).get("/").content.decode()


def test_the_start_page_tells_operators_that_no_dispatcher_runs() -> None:
    operator = client_of(make_operator())
    assert b"No dispatcher runs" in operator.get("/").content
    assert b"No dispatcher runs" not in client_of().get("/").content
    Leader.objects.create(
        role="dispatcher",
        holder="one",
        expires_at=timezone.now() + timedelta(seconds=20),
        acted_at=timezone.now(),
        lag_seconds=0.0,
    )
    assert b"dispatcher" not in operator.get("/").content


def test_a_missing_page_shows_nothing_of_the_settings() -> None:
    answer = client_of().get("/nothing-here/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert "urlpatterns" not in answer.content.decode()


def test_a_broken_page_says_so_in_few_words() -> None:
    client = client_of(make_operator(), raise_request_exception=False)
    with patch("celery_uncovered.dashboard.views.home.jobs.list_jobs", side_effect=OSError("disk")):
        answer = client.get("/")
    assert answer.status_code == 500
    assert "Something broke" in answer.content.decode()
    assert "disk" not in answer.content.decode()


def test_a_live_database_is_healthy() -> None:
    answer = client_of().get("/healthz/")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_a_dead_database_is_not_and_says_nothing_more() -> None:
    target = "celery_uncovered.dashboard.views.home.connection.cursor"
    with patch(target, side_effect=DatabaseError("password wrong")):
        answer = client_of().get("/healthz/")
    assert (answer.status_code, answer.content) == (503, b"unavailable")


def test_the_list_shows_an_operator_all_and_others_their_own() -> None:
    make_job("job-1")
    make_job("job-2")
    assert b"/jobs/job-2/" in client_of(make_operator()).get("/jobs/").content
    page = user_reader("job-1").get("/jobs/").content
    assert b"/jobs/job-1/" in page
    assert b"/jobs/job-2/" not in page


def test_the_address_holds_all_filters() -> None:
    make_job("old", age=3 * 86_400, state="FAILURE", error="It broke.")
    client = client_of(make_operator())
    assert b"/jobs/old/" not in client.get("/jobs/").content
    page = client.get("/jobs/?within=7d&state=failure&q=closed&queue=default").content.decode()
    assert "/jobs/old/" in page
    assert "within=30d" in page
    assert '<option value="FAILURE" selected>' in page


def test_senseless_filters_do_no_harm() -> None:
    make_job()
    address = "/jobs/?within=9y&state=NOPE&after=~&parts=x"
    assert b"/jobs/job-1/" in client_of(make_operator()).get(address).content


def test_older_jobs_are_one_click_away() -> None:
    for number in range(51):
        make_job(f"job-{number:02}", age=number)
    client = client_of(make_operator())
    first = client.get("/jobs/")
    assert "/jobs/job-50/" not in first.content.decode()
    older = first.context["older"]
    assert "/jobs/job-50/" in client.get(f"/jobs/{older}").content.decode()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/jobs/", "No jobs in the last 24 hours"),
        ("/jobs/?q=nothing", "No job fits"),
        ("/jobs/?after=1~x", "No older jobs"),
    ],
)
def test_an_empty_list_says_why_and_what_to_do(address: str, sentence: str) -> None:
    page = client_of(make_operator()).get(address).content.decode()
    assert sentence in page
    assert "7 days back" in page


def test_a_stranger_is_asked_to_sign_in(settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    answer = client_of().get("/jobs/?state=FAILURE")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/jobs/%3Fstate%3DFAILURE"
    assert client_of(address="127.0.0.1").get("/jobs/").status_code == 200
    assert client_of(make_user()).get("/jobs/").status_code == 200


def test_the_start_page_shows_no_job_to_a_stranger() -> None:
    make_job()
    asked_before = session_reader("job-1")
    assert b"/jobs/job-1/" not in asked_before.get("/").content
    assert b"/jobs/job-1/" in client_of(make_operator()).get("/").content
