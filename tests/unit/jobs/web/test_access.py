from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from celery_uncovered.jobs.models import Job
from celery_uncovered.toyex.reports import FETCH
from tests.unit.jobs.web.help import (
    CLOSED_TASK,
    OPEN_TASK,
    client_of,
    give_file,
    make_job,
    make_onlooker,
    make_operator,
    make_user,
    session_reader,
    user_reader,
)

pytestmark = pytest.mark.django_db

ADDRESSES = (
    "/jobs/job-1/",
    "/jobs/job-1/status/",
    "/jobs/job-1/card/",
    "/jobs/job-1/artifacts/report.csv",
)


def operator(_: str) -> Client:
    return client_of(make_operator())


def onlooker(_: str) -> Client:
    return client_of(make_onlooker())


def stranger(_: str) -> Client:
    return client_of()


def other_user(_: str) -> Client:
    return client_of(make_user("bob"))


def loopback(_: str) -> Client:
    return client_of(address="127.8.9.1")


def loopback_v6(_: str) -> Client:
    return client_of(address="::1")


def forwarded(_: str) -> Client:
    return client_of(headers={"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"})


def without_address(_: str) -> Client:
    return client_of(address="")


Who = Callable[[str], Client]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", [operator, onlooker, user_reader, session_reader])
def test_operators_and_readers_see_a_job(who: Who, address: str) -> None:
    make_job()
    give_file("job-1")
    assert who("job-1").get(address).status_code == 200


@pytest.mark.parametrize("address", [*ADDRESSES, "/jobs/none/"])
@pytest.mark.parametrize("who", [stranger, other_user, loopback, forwarded, without_address])
def test_everybody_else_gets_404(who: Who, address: str) -> None:
    make_job(task=OPEN_TASK)
    give_file("job-1")
    assert who("job-1").get(address).status_code == 404


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", [loopback, loopback_v6])
def test_loopback_reads_open_jobs_where_settings_allow_it(
    who: Who, address: str, settings: Settings
) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    make_job(task=OPEN_TASK)
    give_file("job-1")
    assert who("job-1").get(address).status_code == 200


@pytest.mark.parametrize("who", [stranger, other_user, forwarded, without_address])
def test_open_on_loopback_opens_nothing_elsewhere(who: Who, settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    make_job(task=OPEN_TASK)
    assert who("job-1").get("/jobs/job-1/").status_code == 404


def test_loopback_reads_no_other_jobs(settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    make_job(task=CLOSED_TASK)
    assert loopback("").get("/jobs/job-1/").status_code == 404


def test_loopback_reads_those_parts_of_open_jobs_that_are_open_themselves(
    settings: Settings,
) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    make_job("root", task=OPEN_TASK)
    make_job("part", task=FETCH, root_id="root")
    make_job("mail", task=CLOSED_TASK, root_id="root")
    assert loopback("").get("/jobs/part/").status_code == 200
    assert loopback("").get("/jobs/mail/").status_code == 404


def test_a_reader_reads_the_parts_too() -> None:
    make_job("root")
    make_job("part", root_id="root")
    assert user_reader("root").get("/jobs/part/").status_code == 200


@pytest.mark.parametrize("who", [operator, user_reader, session_reader])
def test_operators_and_readers_cancel(who: Who) -> None:
    make_job()
    response = who("job-1").post("/jobs/job-1/cancel/")
    assert (response.status_code, response["Location"]) == (303, "/jobs/job-1/")
    assert Job.objects.get(id="job-1").state == "REVOKED"


@pytest.mark.parametrize("who", [stranger, other_user, onlooker, loopback])
def test_others_cannot_cancel(who: Who, settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    make_job(task=OPEN_TASK)
    assert who("job-1").post("/jobs/job-1/cancel/").status_code == 404
    assert Job.objects.get(id="job-1").state == "QUEUED"


def test_cancelling_needs_post_and_a_csrf_token() -> None:
    make_job()
    operator = make_operator()
    assert client_of(operator).get("/jobs/job-1/cancel/").status_code == 405
    strict = client_of(operator, enforce_csrf_checks=True)
    assert strict.post("/jobs/job-1/cancel/").status_code == 403


def test_cancelling_an_ended_job_changes_nothing() -> None:
    make_job(state="SUCCESS")
    assert operator("").post("/jobs/job-1/cancel/").status_code == 303
    assert Job.objects.get(id="job-1").state == "SUCCESS"


def test_details_of_the_machine_are_for_operators() -> None:
    job = make_job(state="FAILURE", error="It broke.", traceback="Traceback at line 7")
    page = user_reader(job.id).get("/jobs/job-1/").content.decode()
    assert "It broke." in page
    assert "Traceback at line 7" not in page
    assert "Traceback at line 7" in operator("").get("/jobs/job-1/").content.decode()
