import json
from datetime import date
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job, Reader
from celery_uncovered.toyex.models import Report
from celery_uncovered.toyex.reports import PRODUCE
from celery_uncovered.toyex.web.panel import report_panel_context
from tests.unit.jobs.web.help import client_of, give_file, make_job, make_operator, make_user

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
FORM = "/reports/hot-repos/"
HOSTILE = "javascript:alert(1)//https://github.com/"


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    return client_of(address="127.0.0.1")


def make_report(task_id: str = "job-1", *, state: str = "SUCCESS", **fields: Any) -> Report:
    make_job(task_id, task=PRODUCE, state=state)
    row = {"full_name": "a/b", "stars": 5, "forks": 1, "language": None, "description": "<b>x</b>"}
    summary = {
        "repositories": 500,
        "group_count": 312,
        "stars": 99,
        "groups": [
            {"name": "python", "stars": 80, "repositories": 3},
            {"name": "<i>", "stars": 20, "repositories": 1},
        ],
        "rows": [
            {"rank": 1, "url": "https://github.com/a/b"} | row,
            {"rank": 2, "url": HOSTILE} | row | {"full_name": "evil/one"},
            {"rank": 3, "url": "https://github.com.evil.example/"} | row,
        ],
    }
    defaults = {"period": "week", "group_by": "topic", "ref_date": date(2026, 5, 4)}
    defaults |= {"source": "recorded data", "total_count": 620, "repositories": 500}
    defaults |= {"is_complete": True, "summary": summary}
    return Report.objects.create(task_id=task_id, **{**defaults, **fields})


def test_a_json_client_gets_the_addresses_of_its_job(client: Client) -> None:
    answer = client.post(FORM, {"period": "week", "group_by": "language"}, headers=JSON)
    task_id = Job.objects.get().id
    assert answer.status_code == 202
    assert answer.json() == {
        "task_id": task_id,
        "status_url": f"/jobs/{task_id}/status/",
        "page_url": f"/jobs/{task_id}/",
    }
    assert answer["Location"] == f"/jobs/{task_id}/"
    assert "Accept" in answer["Vary"]


def test_the_body_may_be_json(client: Client) -> None:
    body = json.dumps({"period": "day", "group_by": "topic", "fresh": True})
    answer = client.post(FORM, body, content_type="application/json", headers=JSON)
    assert answer.status_code == 202
    assert Report.objects.get().period == "day"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("[" * 200_000, "The body is not a JSON object."),
        ("{" + '"a":{' * 200_000, "The body is not a JSON object."),
        ("9" * 5_000, "The body is not a JSON object."),
        (
            json.dumps({"period": "x" * 3_000_000}),
            "The body is too large for what a report is asked with.",
        ),
    ],
    ids=["deep list", "deep object", "long number", "large"],
)
def test_a_body_made_to_break_the_parser_is_refused(
    client: Client, body: str, sentence: str
) -> None:
    answer = client.post(FORM, body, content_type="application/json", headers=JSON)
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_a_large_form_is_refused(client: Client) -> None:
    body = "period=week&x=" + "x" * 3_000_000
    form = "application/x-www-form-urlencoded"
    assert client.post(FORM, body, content_type=form, headers=JSON).status_code in {400, 413}


def test_a_browser_is_sent_to_the_page_of_its_job(client: Client) -> None:
    answer = client.post(FORM, {"period": "week"}, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{Job.objects.get().id}/")


def test_two_who_ask_for_the_same_get_the_same_job_and_both_see_it(settings: Settings) -> None:
    first, second = client_of(make_user("ada")), client_of(make_user("bob"))
    answers = [one.post(FORM, {"period": "week"}, headers=JSON).json() for one in (first, second)]
    assert answers[0] == answers[1]
    assert Job.objects.count() == 1
    for one in (first, second):
        assert one.get(answers[0]["page_url"]).status_code == 200
    assert client_of(make_user("eve")).get(answers[0]["page_url"]).status_code == 404


def test_a_session_on_loopback_is_remembered_as_reader(client: Client) -> None:
    address = client.post(FORM, {"period": "week"}, headers=JSON).json()["page_url"]
    assert Reader.objects.get().session == client.session["jobs_reader"]
    assert client.post(f"{address}cancel/").status_code == 303
    assert Job.objects.get().state == "REVOKED"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"period": "year"}, 'Period "year" is not known; choose one of: day, week, month.'),
        ({}, 'Period "" is not known; choose one of: day, week, month.'),
        ({"period": ["week"]}, "Period"),
        ({"period": "week", "group_by": "star"}, 'Grouping "star" is not known'),
        ({"period": "week", "ref_date": "4.5.26"}, 'Reference date "4.5.26" is not a date'),
        ({"period": "week", "ref_date": "2999-01-01"}, "is in the future"),
        ({"period": "week", "fresh": "perhaps"}, 'Fresh "perhaps" is not known'),
        ([], "The body is not a JSON object."),
    ],
)
def test_bad_input_is_refused_in_one_sentence(client: Client, given: object, sentence: str) -> None:
    answer = client.post(FORM, json.dumps(given), content_type="application/json", headers=JSON)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert sentence in answer.json()["error"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]"])
def test_a_broken_body_is_refused(client: Client, body: bytes) -> None:
    answer = client.post(FORM, body, content_type="application/json", headers=JSON)
    assert (answer.status_code, answer.json()) == (400, {"error": "The body is not a JSON object."})


def test_bad_input_of_a_form_is_said_above_it(client: Client) -> None:
    answer = client.post(FORM, {"period": "week", "ref_date": "soon"})
    assert answer.status_code == 400
    assert "Reference date &quot;soon&quot; is not a date" in answer.content.decode()


def test_csrf_holds_for_json_clients_and_the_start_page_gives_the_cookie(
    settings: Settings,
) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    strict = client_of(address="127.0.0.1", enforce_csrf_checks=True)
    assert strict.post(FORM, {"period": "week"}, headers=JSON).status_code == 403
    strict.get("/")
    token = strict.cookies["csrftoken"].value
    headers = JSON | {"X-CSRFToken": token}
    assert strict.post(FORM, {"period": "week"}, headers=headers).status_code == 202


def test_production_asks_for_sign_in() -> None:
    stranger = client_of(address="127.0.0.1")
    for address in (FORM, "/reports/", "/reports/subscribe/"):
        answer = stranger.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={address}")
    answer = stranger.post(FORM, {"period": "week"}, headers=JSON)
    assert (answer.status_code, answer.json()) == (403, {"error": "Sign in first."})
    assert not Job.objects.exists()


def test_the_form_says_where_the_data_comes_from(client: Client) -> None:
    page = client.get(FORM).content.decode()
    assert "recorded data" in page
    assert "2026-05-04" in page


def test_the_list_has_what_a_viewer_may_see() -> None:
    make_report("mine")
    make_report("other")
    give_file("mine", "hot.csv")
    user = make_user()
    jobs.add_reader("mine", user_id=user.pk)
    page = client_of(user).get("/reports/").content.decode()
    assert "/jobs/mine/artifacts/hot.csv" in page
    assert "/jobs/other/" not in page
    assert "/jobs/other/" in client_of(make_operator()).get("/reports/").content.decode()


def test_a_finished_report_shows_its_summary_chart_and_rows(client: Client) -> None:
    make_report()
    page = client.get("/jobs/job-1/").content.decode()
    assert "Hot repositories of the week to 4 May 2026, by topic" in page
    assert "<dd>500 <small>of 620</small></dd>" in page
    assert "<dd>312</dd>" in page
    assert 'width="25.00%"' in page
    assert "Make it anew" in page


def test_only_addresses_of_github_become_links(client: Client) -> None:
    make_report()
    page = client.get("/jobs/job-1/").content.decode()
    assert 'href="https://github.com/a/b" rel="noopener noreferrer nofollow"' in page
    assert "evil/one" in page
    assert "javascript:" not in page
    assert "github.com.evil.example" not in page


def test_what_others_wrote_is_escaped(client: Client) -> None:
    make_report()
    page = client.get("/jobs/job-1/").content.decode()
    assert "<b>x</b>" not in page
    assert "&lt;i&gt;" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"missing_pages": [3]}, "page 3 of five could not be fetched"),
        ({"missing_pages": [2, 4]}, "pages 2 and 4 of five could not be fetched"),
        ({"missing_pages": [1, 2, 5]}, "pages 1, 2 and 5 of five"),
        ({"incomplete_results": True}, "its own search did not finish"),
    ],
)
def test_an_incomplete_report_says_what_is_missing(
    client: Client, fields: dict[str, Any], words: str
) -> None:
    make_report(is_complete=False, **fields)
    page = client.get("/jobs/job-1/").content.decode()
    assert "This report is incomplete" in page
    assert words in page


def test_a_failed_report_offers_the_same_one_again(client: Client) -> None:
    make_report(state="FAILURE", is_complete=None, summary={})
    page = client.get("/jobs/job-1/").content.decode()
    assert "Retry" in page
    assert 'name="ref_date" value="2026-05-04"' in page
    assert "Make it anew" not in page


def test_a_job_without_a_report_has_a_title() -> None:
    make_job(task=PRODUCE)
    assert report_panel_context(jobs.job_status("job-1"))["title"] == "Hot repositories"
