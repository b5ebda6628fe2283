"""The page of the queues: who may see it, who may pause, and what it says."""

import pytest

from celery_uncovered.jobs import api as jobs
from tests.unit.jobs.web.help import client_of, make_job, make_onlooker, make_operator, make_user

pytestmark = pytest.mark.django_db

PAGE = "/queues/"


def test_it_is_for_operators_and_onlookers_change_nothing() -> None:
    assert client_of().get(PAGE).status_code == 302
    assert client_of(make_user()).get(PAGE).status_code == 404
    onlooker = client_of(make_onlooker())
    page = onlooker.get(PAGE).content.decode()
    assert "default" in page
    assert "Pause" not in page
    assert onlooker.post(f"{PAGE}pause/", {"queue": "io"}).status_code in {403, 404}
    assert jobs.paused_queues() == {}


def test_an_operator_pauses_a_queue_and_resumes_it() -> None:
    make_job("job-1", state="QUEUED", queue="io")
    operator = make_operator()
    client = client_of(operator)
    answer = client.post(f"{PAGE}pause/", {"queue": "io", "reason": " the printer burns "})
    assert answer.status_code == 303
    page = client.get(PAGE).content.decode()
    assert "the printer burns" in page
    assert f"Paused by {operator.get_username()}" in page
    job = client.get("/jobs/job-1/").content.decode()
    assert "it starts when somebody resumes the queue" in job
    assert client.post(f"{PAGE}resume/", {"queue": "io"}).status_code == 303
    assert "it starts when" not in client.get("/jobs/job-1/").content.decode()
    assert jobs.paused_queues() == {}


def test_what_cannot_be_paused_is_said_in_one_sentence() -> None:
    client = client_of(make_operator())
    page = client.post(f"{PAGE}pause/", {"queue": "ioo"}, follow=True).content.decode()
    assert "is not configured" in page
    page = client.post(f"{PAGE}resume/", {"queue": "io"}, follow=True).content.decode()
    assert "was not paused" in page
