from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.messages import encode
from celery_uncovered.jobs.models import Artifact, Job
from tests.unit.jobs.web.help import client_of, give_file, make_job, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(make_operator())


def test_a_queued_job_tells_its_position(client: Client) -> None:
    make_job("first", age=9)
    make_job("second", age=5)
    answer = client.get("/jobs/second/status/")
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "task_id": "second",
        "state": "QUEUED",
        "is_final": False,
        "progress": {"done": None, "total": None, "note": ""},
        "queue_position": 2,
        "result": None,
        "error": None,
        "artifacts": [],
    }


def test_a_running_job_tells_its_progress(client: Client) -> None:
    make_job(state="STARTED", progress_done=3, progress_total=5, progress_note="12 stars counted")
    answer = client.get("/jobs/job-1/status/").json()
    assert answer["progress"] == {"done": 3, "total": 5, "note": "12 stars counted"}
    assert answer["queue_position"] is None


def test_a_finished_job_tells_its_result_and_files(client: Client) -> None:
    make_job(state="SUCCESS", result=encode({"repositories": 500}))
    artifact = give_file("job-1")
    answer = client.get("/jobs/job-1/status/").json()
    assert (answer["is_final"], answer["result"]) == (True, {"repositories": 500})
    (file,) = answer["artifacts"]
    assert file["name"] == "report.csv"
    assert file["size"] == 5
    assert file["url"] == "/jobs/job-1/artifacts/report.csv"
    assert file["expires"].startswith(artifact.expires_at.strftime("%Y-%m-%dT%H:%M:%S"))


def test_a_failed_job_tells_one_sentence(client: Client) -> None:
    make_job(state="FAILURE", error="It broke.", traceback="Traceback")
    answer = client.get("/jobs/job-1/status/")
    assert answer.json()["error"] == "It broke."
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize("part", ["status", "card"])
def test_what_did_not_change_is_answered_with_304(client: Client, part: str) -> None:
    make_job(state="STARTED", started_at=timezone.now())
    address = f"/jobs/job-1/{part}/"
    etag = client.get(address)["ETag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert (again["ETag"], again["Cache-Control"]) == (etag, "private, no-cache")
    Job.objects.update(progress_done=1)
    changed = client.get(address, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed["ETag"] != etag


def test_the_page_begins_with_the_etag_of_its_card(client: Client) -> None:
    make_job()
    etag = client.get("/jobs/job-1/card/")["ETag"]
    assert f"data-etag='{etag}'" in client.get("/jobs/job-1/").content.decode()


@pytest.mark.parametrize(("age", "seconds"), [(1, "1"), (30, "2"), (300, "5")])
def test_a_live_job_says_when_to_ask_again(client: Client, age: int, seconds: str) -> None:
    make_job(age=age)
    answer = client.get("/jobs/job-1/status/")
    assert answer["Retry-After"] == seconds
    again = client.get("/jobs/job-1/status/", headers={"If-None-Match": answer["ETag"]})
    assert again["Retry-After"] == seconds


@pytest.mark.parametrize("state", ["SUCCESS", "FAILURE", "REVOKED"])
def test_an_ended_job_is_not_asked_again(client: Client, state: str) -> None:
    make_job(state=state)
    assert "Retry-After" not in client.get("/jobs/job-1/status/")
    page = client.get("/jobs/job-1/").content.decode()
    assert "poll.js" not in page
    assert "http-equiv" not in page


def test_a_live_page_refreshes_itself_without_javascript(client: Client) -> None:
    make_job()
    page = client.get("/jobs/job-1/").content.decode()
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page


def test_a_file_is_an_attachment_that_no_browser_runs(client: Client) -> None:
    make_job()
    give_file("job-1", content=b"<script>alert(1)</script>")
    answer = client.get("/jobs/job-1/artifacts/report.csv")
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"  # type: ignore[attr-defined]  # streamed
    assert answer["Content-Disposition"] == 'attachment; filename="report.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_file_that_has_expired_or_is_gone_is_not_found(client: Client) -> None:
    make_job()
    give_file("job-1", "old.csv", lifetime=timedelta(seconds=-1))
    gone = give_file("job-1", "gone.csv")
    gone.file.storage.delete(gone.file.name)
    assert client.get("/jobs/job-1/artifacts/old.csv").status_code == 404
    assert client.get("/jobs/job-1/artifacts/gone.csv").status_code == 404


@pytest.mark.parametrize(
    "name", ["../secret_key", "..%2F..%2Fsecret_key", "%2Fetc%2Fpasswd", "..", "report.csv%00"]
)
def test_a_path_names_no_file(client: Client, name: str) -> None:
    make_job()
    give_file("job-1")
    assert client.get(f"/jobs/job-1/artifacts/{name}").status_code == 404


def test_the_file_of_another_job_is_not_found(client: Client) -> None:
    make_job("mine")
    make_job("other")
    give_file("other")
    assert Artifact.objects.count() == 1
    assert client.get("/jobs/mine/artifacts/report.csv").status_code == 404


def test_the_states_of_several_jobs_are_told_of_those_that_are_known() -> None:
    make_job("one")
    make_job("two", state="SUCCESS")
    states = jobs.job_states(["one", "two", "three"])
    assert states == {"one": jobs.State.QUEUED, "two": jobs.State.SUCCESS}
