"""The webhook: who is refused, what is taken once, and what it starts and ends."""

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from celery_uncovered.advex.reminders.errors import TooLargeError
from celery_uncovered.advex.reminders.github import recorded, sign
from celery_uncovered.advex.reminders.models import Delivery, PullRequest
from celery_uncovered.advex.reminders.web.body import LARGEST_BODY, read_body
from celery_uncovered.jobs.messages import Delivery as Sent
from celery_uncovered.workflows.models import Event, Run
from tests.unit.advex.reminders.examples import (
    ADDRESS,
    SECRET,
    changed,
    of_pull,
    post,
    post_recorded,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent", "secret")]
OPENED, CLOSED, REOPENED = "pull_request.opened", "pull_request.closed", "pull_request.reopened"
KEY = "pull_request.closed:Codertocat/Hello-World#2"


@pytest.fixture
def secret(settings: Settings) -> None:
    settings.GITHUB_WEBHOOK_SECRET = SECRET


def result_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("result") or answer.json()["error"]


def at(hour: int) -> datetime:
    return datetime(2026, 5, 4, hour, tzinfo=UTC)


def moved(name: str, hour: int) -> bytes:
    return of_pull(name, updated_at=at(hour).isoformat())


# --- what it starts and ends ----------------------------------------------------------------------
def test_opened_starts_one_run_for_the_repository_and_the_number(sent: list[Sent]) -> None:
    answer = post_recorded(OPENED)
    run = Run.objects.get()
    assert (answer.status_code, answer.json()) == (
        202,
        {"result": "reminders started", "run": run.id},
    )
    assert json.loads(run.args) == [["Codertocat/Hello-World", 2], {}]
    assert (run.workflow, run.queue) == ("pull_request_reminders", "io")
    assert str(PullRequest.objects.get()) == "Codertocat/Hello-World#2"
    del sent


def test_closed_tells_the_run_how_it_ended_and_by_whom() -> None:
    post_recorded(OPENED)
    assert result_of(post_recorded(CLOSED)) == (202, "reminders told to end")
    event = Event.objects.get()
    assert (event.key, json.loads(event.payload)) == (KEY, {"merged": False, "by": "Codertocat"})


def test_merged_names_who_merged() -> None:
    body = recorded.recorded("pull_request.closed.merged").body
    opened = json.loads(body) | {"action": "opened"}
    post(json.dumps(opened).encode())
    assert result_of(post(body))[0] == 202
    assert json.loads(Event.objects.get().payload) == {"merged": True, "by": "ailisp"}


def test_closed_without_a_run_is_harmless() -> None:
    assert result_of(post_recorded(CLOSED)) == (200, "no reminders to end")
    assert not Event.objects.exists()
    assert not Run.objects.exists()


def test_the_recorded_ones_in_their_order_make_a_second_run() -> None:
    """And it does not take the event that ended the first."""
    words = [result_of(post_recorded(name)) for name in (OPENED, CLOSED, REOPENED)]
    assert words == [
        (202, "reminders started"),
        (202, "reminders told to end"),
        (202, "reminders started"),
    ]
    first, second = Run.objects.order_by("created_at")
    assert first.key != second.key
    assert Event.objects.get().arrived_at < second.events_since
    assert PullRequest.objects.get().run_id == second.id


@pytest.mark.parametrize(
    "name",
    [one.name for one in recorded.all_recorded() if one.name not in {OPENED, CLOSED, REOPENED}],
)
def test_others_are_answered_in_a_word(name: str) -> None:
    concerns_us = {
        "pull_request.opened.null_body": (202, "reminders started"),
        "pull_request.closed.merged": (200, "no reminders to end"),
        "ping": (200, "pong"),
    }
    assert result_of(post_recorded(name)) == concerns_us.get(name, (200, "ignored"))


def test_an_event_that_nobody_knows_is_ignored() -> None:
    assert result_of(post_recorded(OPENED, event="pull_requests_of_tomorrow")) == (200, "ignored")
    assert result_of(post(changed(OPENED, action="enqueued"))) == (200, "ignored")
    assert not Delivery.objects.exists()


# --- in which order they come ---------------------------------------------------------------------
def test_an_opened_that_comes_after_its_closed_starts_nothing() -> None:
    assert result_of(post(moved(CLOSED, 12))) == (200, "no reminders to end")
    assert result_of(post(moved(OPENED, 11))) == (200, "older than what is known")
    assert not Run.objects.exists()


def test_a_closed_that_comes_after_the_reopened_that_followed_it_ends_nothing() -> None:
    post(moved(OPENED, 10))
    assert result_of(post(moved(REOPENED, 12))) == (200, "open already")
    assert result_of(post(moved(CLOSED, 11))) == (200, "older than what is known")
    assert not Event.objects.exists()
    assert result_of(post(moved(CLOSED, 13))) == (202, "reminders told to end")


def test_closed_twice_tells_once() -> None:
    post(moved(OPENED, 10))
    assert result_of(post(moved(CLOSED, 11))) == (202, "reminders told to end")
    assert result_of(post(moved(CLOSED, 12))) == (200, "closed already")
    assert Event.objects.count() == 1


def test_a_reopened_one_that_was_never_seen_is_reminded_of() -> None:
    assert result_of(post_recorded(REOPENED)) == (202, "reminders started")


def test_a_number_that_is_given_again_is_another_pull_request() -> None:
    """Its repository was deleted, and made anew."""
    post(moved(OPENED, 10))
    post(moved(CLOSED, 11))
    assert result_of(post(moved(OPENED, 12))) == (202, "reminders started")


# --- once -----------------------------------------------------------------------------------------
def test_a_delivery_that_comes_again_is_taken_once() -> None:
    guid = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    post_recorded(OPENED, guid=guid)
    assert result_of(post_recorded(OPENED, guid=guid)) == (200, "seen before")
    assert Run.objects.count() == 1


def test_the_same_signed_body_under_another_guid_is_taken_once() -> None:
    for guid in ("one", "two", ""):
        answer = post_recorded(CLOSED, guid=guid)
    assert result_of(answer) == (200, "seen before")
    assert Delivery.objects.count() == 1


def test_another_body_under_the_same_guid_is_taken_once() -> None:
    post_recorded(OPENED, guid="one")
    assert result_of(post_recorded(CLOSED, guid="one")) == (200, "seen before")
    assert PullRequest.objects.get().is_open


def test_what_fails_on_the_way_leaves_nothing_and_may_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("celery_uncovered.workflows.api.start_with", fail)
        with pytest.raises(OSError, match="no disk"):
            post_recorded(OPENED, guid="one")
    assert not Delivery.objects.exists()
    assert not PullRequest.objects.exists()
    assert result_of(post_recorded(OPENED, guid="one")) == (202, "reminders started")


def fail(*_: object, **__: object) -> None:
    message = "no disk"
    raise OSError(message)


# --- refused --------------------------------------------------------------------------------------
@pytest.mark.parametrize("secret_given", ["", "  "])
def test_without_a_secret_every_webhook_is_refused(settings: Settings, secret_given: str) -> None:
    settings.GITHUB_WEBHOOK_SECRET = secret_given
    body = recorded.recorded(OPENED).body
    for signature in (sign(body, ""), sign(body, secret_given), ""):
        answer = post(body, signature=signature)
        assert answer.status_code == 403
        assert answer.json() == {
            "error": "No webhook is accepted, because this installation has no secret to check it"
            " by; set GITHUB_WEBHOOK_SECRET."
        }
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("signature", "sentence"),
    [
        (sign(b"another body", SECRET), "its signature does not fit its body and our secret"),
        ("sha256=" + "0" * 64, "its signature does not fit its body and our secret"),
        ("", "the header X-Hub-Signature-256 is missing, or is none"),
        ("sha1=" + "0" * 40, "the header X-Hub-Signature-256 is missing, or is none"),
    ],
)
def test_a_signature_that_is_not_ours_is_refused(signature: str, sentence: str) -> None:
    assert result_of(post_recorded(OPENED, signature=signature)) == (
        401, f"The webhook is not accepted: {sentence}.",
    )  # fmt: skip
    assert not Run.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b" ", "The body is not a JSON object."),
        (b"{", "The body is not a JSON object."),
        (b"[" * 100_000, "The body is not a JSON object."),
        (b"\xff{}", "The body is not a JSON object."),
        (b"[]", "The body is not a JSON object."),
        (b"{}", "The body has no action."),
        (changed(OPENED, pull_request=None), "The body has no pull_request."),
        (changed(OPENED, repository="a/b"), "The body has no repository."),
        (
            changed(OPENED, repository={"full_name": "a/b c"}),
            "The repository's full_name is not like owner/name.",
        ),
        (changed(OPENED, number=True), "The pull request's number is not a number from 1 on."),
        (changed(OPENED, number=10**18), "The pull request's number is not a number from 1 on."),
        (
            of_pull(OPENED, updated_at="today"),
            "The pull request's updated_at is not a time like 2019-05-15T15:20:33Z.",
        ),
    ],
)
def test_what_is_signed_and_cannot_be_read_is_refused_in_a_sentence(
    body: bytes, sentence: str
) -> None:
    assert result_of(post(body)) == (400, sentence)
    assert not PullRequest.objects.exists()


def test_headers_that_cannot_be_are_refused() -> None:
    assert post_recorded(OPENED, event="").status_code == 400
    assert post_recorded(OPENED, event="Pull Request").status_code == 400
    assert post_recorded(OPENED, guid="a" * 65).status_code == 400
    assert post_recorded(OPENED, guid="a\u00e9").status_code == 400


def test_a_form_is_refused_with_what_to_do() -> None:
    answer = post_recorded(OPENED, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_it_is_only_for_post() -> None:
    assert Client().get(ADDRESS).status_code == 405


# --- how much is read -----------------------------------------------------------------------------
class Endless(BytesIO):
    """Gives as much as is asked for, and counts it."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0, "It would never end."
        self.given += size
        return b"x" * size


def test_a_body_without_a_length_is_read_no_further_than_the_cap() -> None:
    source = Endless()
    request = RequestFactory().post(ADDRESS)
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "wsgi.input": source}
    with pytest.raises(TooLargeError, match=r"larger than 25 MB"):
        read_body(request)
    assert source.given == LARGEST_BODY + 1


def test_the_cap_counts_bytes_and_not_what_the_header_says() -> None:
    body = b"x" * 1001
    for length in ("1001", "999999"):
        request = RequestFactory().post(ADDRESS, body, content_type="application/json")
        request.META["CONTENT_LENGTH"] = length
        with pytest.raises(TooLargeError):
            read_body(request, limit=1000)
    request = RequestFactory().post(ADDRESS, body, content_type="application/json")
    assert read_body(request, limit=1001) == body


def test_more_than_djangos_own_limit_is_taken() -> None:
    padded = changed(OPENED, padding="x" * 3 * 2**20)
    assert result_of(post(padded)) == (202, "reminders started")


def test_a_body_beyond_the_cap_is_refused_in_a_sentence() -> None:
    answer = post(b"x" * (LARGEST_BODY + 1))
    assert result_of(answer) == (413, "The body is larger than 25 MB, the most that GitHub sends.")


def test_what_is_refused_by_its_headers_is_not_read_and_asks_the_database_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        post_recorded(OPENED, signature="none")
        post_recorded(OPENED, signature="sha256=" + "0" * 64)
        post_recorded("push")
