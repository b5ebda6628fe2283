"""The list of dead letters, and what an operator does with those that are chosen."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from celery_uncovered.dashboard.views import dead_letters
from celery_uncovered.jobs.messages import encode
from celery_uncovered.jobs.models import Job
from tests.unit.jobs.web.help import (
    CLOSED_TASK,
    client_of,
    make_job,
    make_onlooker,
    make_operator,
    make_user,
)

pytestmark = pytest.mark.django_db

PAGE = "/dead-letters/"
MESSAGE = encode({"exchange": "jobs", "routing_key": "default", "headers": {}, "properties": {}})


def failed(task_id: str, age: float = 60, **fields: Any) -> None:
    then = timezone.now() - timedelta(seconds=age)
    own: dict[str, Any] = {
        "state": "FAILURE",
        "finished_at": then,
        "message": MESSAGE,
        "error": "out of paper",
        "error_type": "RuntimeError",
    }
    make_job(task_id, **own | fields)


@pytest.fixture
def client() -> Client:
    return client_of(make_operator())


def shown(client: Client, query: str = "") -> str:
    return str(client.get(f"{PAGE}{query}").content.decode())


def states() -> dict[str, str]:
    rows = Job.objects.values_list("id", "state", "discarded_at")
    return {id_: "discarded" if at else state for id_, state, at in rows}


def test_it_is_for_operators() -> None:
    failed("job-1")
    assert client_of().get(PAGE).status_code == 302
    assert client_of(make_user()).get(PAGE).status_code == 404
    onlooker = client_of(make_onlooker())
    page = shown(onlooker)
    assert "job-1" in page
    assert "Retry…" not in page
    for act in ("retry", "discard"):
        assert (
            onlooker.post(f"{PAGE}{act}/", {"id": "job-1", "confirmed": "yes"}).status_code == 404
        )
        assert onlooker.post(f"/jobs/job-1/{act}/").status_code == 404
    assert states() == {"job-1": "FAILURE"}


def test_a_post_needs_a_token() -> None:
    failed("job-1")
    strict = client_of(make_operator(), enforce_csrf_checks=True)
    for address in (
        f"{PAGE}retry/",
        f"{PAGE}discard/",
        "/jobs/job-1/retry/",
        "/jobs/job-1/discard/",
    ):
        assert strict.post(address, {"id": "job-1", "confirmed": "yes"}).status_code == 403
        assert strict.get(address).status_code == 405
    assert states() == {"job-1": "FAILURE"}


def test_the_address_holds_the_filters_and_the_time_is_bounded(client: Client) -> None:
    failed("here")
    failed("typed", error_type="KeyError", queue="io", task="tests.other")
    failed("old", age=3 * 86_400)
    make_job("well", state="SUCCESS", finished_at=timezone.now())
    for query, ids in {
        "": {"here", "typed"},
        "?within=7d": {"here", "typed", "old"},
        "?within=nonsense": {"here", "typed"},
        "?error_type=KeyError": {"typed"},
        "?queue=io": {"typed"},
        f"?within=all&task={CLOSED_TASK}": {"here", "old"},
    }.items():
        page = shown(client, query)
        found = {id_ for id_ in ("here", "typed", "old", "well") if f'value="{id_}"' in page}
        assert found == ids, query
    assert "No dead letter fits" in shown(client, "?queue=other")
    Job.objects.all().delete()
    assert "Nothing waits for you" in shown(client)


def test_pages_follow_by_their_links(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "PAGE_SIZE", 2)
    for number in range(3):
        failed(f"job-{number}", age=10 + number)
    first = client.get(PAGE)
    older = first.context["older"]
    assert [job.task_id for job in first.context["page"].jobs] == ["job-0", "job-1"]
    second = client.get(f"{PAGE}{older}")
    assert [job.task_id for job in second.context["page"].jobs] == ["job-2"]
    assert not second.context["older"]


def test_the_ticked_ones_are_retried_after_a_confirmation(client: Client) -> None:
    for task_id in ("one", "two", "three"):
        failed(task_id)
    asked = client.post(f"{PAGE}retry/", {"id": ["one", "two"], "which": "chosen"})
    assert "Retry 2 jobs?" in asked.content.decode()
    assert set(states().values()) == {"FAILURE"}
    done = client.post(f"{PAGE}retry/", {"id": ["one", "two"], "confirmed": "yes"}, follow=True)
    assert "2 jobs are queued again." in done.content.decode()
    assert states() == {"one": "QUEUED", "two": "QUEUED", "three": "FAILURE"}


def test_all_that_fit_are_discarded_but_not_what_failed_since(client: Client) -> None:
    failed("here")
    failed("there", queue="io")
    until = client.get(f"{PAGE}?queue=default").context["until"]
    form = {"which": "every", "queue": "default", "until": until}
    asked = client.post(f"{PAGE}discard/", form)
    assert "Discard 1 job?" in asked.content.decode()
    failed("later", age=-1)
    done = client.post(f"{PAGE}discard/", form | {"confirmed": "yes"}, follow=True)
    assert done.request["QUERY_STRING"] == "queue=default"
    assert states() == {"here": "discarded", "there": "FAILURE", "later": "FAILURE"}


def test_nothing_ticked_changes_nothing_and_says_so(client: Client) -> None:
    failed("one")
    answer = client.post(f"{PAGE}retry/", {"which": "chosen", "confirmed": "yes"}, follow=True)
    assert "No job was chosen; tick those to retry." in answer.content.decode()
    assert states() == {"one": "FAILURE"}


def test_what_cannot_be_retried_and_what_is_too_much_is_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "AT_ONCE", 2)
    failed("first", age=90, message="{}")
    failed("second", age=80)
    failed("third", age=70)
    form = {"which": "every", "confirmed": "yes"}
    page = client.post(f"{PAGE}retry/", form, follow=True).content.decode()
    assert "1 job is queued again." in page
    assert "1 job could not be queued again" in page
    assert "Those were the 2 oldest; do it again for the rest." in page
    assert states() == {"first": "FAILURE", "second": "QUEUED", "third": "FAILURE"}


def test_a_failed_jobs_page_offers_both_and_does_them(client: Client) -> None:
    failed("one")
    failed("two")
    page = client.get("/jobs/one/").content.decode()
    assert 'action="/jobs/one/retry/"' in page
    assert 'action="/jobs/one/discard/"' in page
    assert "queued again" in client.post("/jobs/one/retry/", follow=True).content.decode()
    discarded = client.post("/jobs/two/discard/", follow=True).content.decode()
    assert states() == {"one": "QUEUED", "two": "discarded"}
    assert 'action="/jobs/two/discard/"' not in discarded
    assert 'action="/jobs/two/retry/"' in discarded
    refused = client.post("/jobs/one/discard/", follow=True).content.decode()
    assert "only a job in FAILURE can be discarded" in refused


def test_a_job_that_lives_or_succeeded_offers_neither(client: Client) -> None:
    for state in ("QUEUED", "SUCCESS"):
        make_job(f"job-{state}", state=state, finished_at=timezone.now())
        page = client.get(f"/jobs/job-{state}/").content.decode()
        assert "/retry/" not in page
        assert "/discard/" not in page
