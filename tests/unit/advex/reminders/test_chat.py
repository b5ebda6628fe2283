"""The client of the chat, over HTTP against the stand-in; and what each of its faults becomes."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from pytest_django import Settings

from celery_uncovered.advex.reminders.chat import (
    BrokenAnswer,
    Chat,
    NameTaken,
    Refused,
    Unavailable,
)
from celery_uncovered.advex.reminders.chat import client as client_module
from celery_uncovered.advex.reminders.chat.transport import Bounds, PlainSession
from celery_uncovered.advex.reminders.checks import check_chat, check_interval
from celery_uncovered.advex.reminders.standin.server import StandIn
from celery_uncovered.advex.reminders.standin.store import Store
from tests.servers.ports import reserve_port
from tests.servers.processes import wait_for

PATIENT = Bounds(connect=5.0, read=10.0, deadline=20.0, size=100_000)
QUICK = replace(PATIENT, read=0.5)
TOKEN = "stand-in"


def client_of(chat: StandIn, token: str = TOKEN, **options: Any) -> Chat:
    return Chat(f"{chat.url}/api", token, **{"bounds": PATIENT} | options)


def test_a_channel_is_made_posted_to_and_archived(chat: StandIn, store: Store) -> None:
    with client_of(chat) as client:
        channel = client.create_channel("pr-1")
        ts = client.post(channel.id, "hello", mark="run/0/post#1")
        client.post(channel.id, "unmarked")
        found = list(client.messages(channel.id))
        client.archive(channel.id)
        client.archive(channel.id)
        again = client.find_channel("pr-1")
    assert [(one.text, one.mark) for one in found] == [
        ("unmarked", None),
        ("hello", "run/0/post#1"),
    ]
    assert found[1].ts == ts
    assert again
    assert (again.id, again.is_archived) == (channel.id, True)
    assert store.channel(channel.id)


def test_a_taken_name_is_refused_also_of_an_archived_channel(chat: StandIn) -> None:
    with client_of(chat) as client:
        client.archive(client.create_channel("pr-1").id)
        with pytest.raises(
            NameTaken, match=r"^The chat refused conversations.create: name_taken\.$"
        ):
            client.create_channel("pr-1")


def test_lists_are_read_page_by_page(
    chat: StandIn, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_PAGE", 7)
    for number in range(20):
        store.create(f"pr-{number}")
        store.post("C00000001", f"message {number}", None)
    with client_of(chat) as door:
        last = door.find_channel("pr-19")
        texts = [message.text for message in door.messages("C00000001")]
        assert door.find_channel("pr-20") is None
    assert last
    assert texts == [f"message {number}" for number in reversed(range(20))]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "invalid_name_required"),
        ("PR-1", "invalid_name_specials"),
        ("pr 1", "invalid_name_specials"),
        ("pr.1", "invalid_name_specials"),
        ("-_-", "invalid_name_punctuation"),
        ("x" * 81, "invalid_name_maxlength"),
    ],
)
def test_names_have_slacks_rules(chat: StandIn, name: str, code: str) -> None:
    with client_of(chat) as client, pytest.raises(Refused) as raised:
        client.create_channel(name)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda client: client.post("C99", "text"), "channel_not_found"),
        (lambda client: list(client.messages("nothing")), "channel_not_found"),
        (lambda client: client.archive("C99"), "channel_not_found"),
        (lambda client: client.post("C00000001", ""), "no_text"),
        (lambda client: client.post("C00000001", "x" * 40_001), "msg_too_long"),
        (lambda client: client.post("C00000002", "text"), "is_archived"),
    ],
)
def test_what_cannot_be_is_refused_by_slacks_word(
    chat: StandIn, store: Store, act: Callable[[Chat], object], code: str
) -> None:
    store.create("pr-1")
    store.create("pr-2")
    store.archive("C00000002")
    with client_of(chat) as client, pytest.raises(Refused) as raised:
        act(client)
    assert raised.value.code == code


def test_whoever_has_no_token_or_another_one_is_refused(chat: StandIn) -> None:
    with client_of(chat, "another") as client, pytest.raises(Refused, match="invalid_auth"):
        client.create_channel("pr-1")
    answer = requests.post(f"{chat.url}/api/conversations.create", json={}, timeout=5)
    assert answer.json() == {"ok": False, "error": "not_authed"}


@pytest.mark.parametrize(
    ("rule", "kind", "words"),
    [
        ({"kind": "500"}, Unavailable, "it answered 500."),
        ({"kind": "503"}, Unavailable, "it answered 503."),
        ({"kind": "error", "code": "internal_error"}, Unavailable, "it answered internal_error."),
        ({"kind": "error", "code": "invalid_auth"}, Refused, "conversations.create: invalid_auth."),
        ({"kind": "error", "code": "<b>no</b>"}, Refused, "conversations.create: status 200."),
        ({"kind": "timeout", "seconds": 1.0}, Unavailable, "no answer within 0.5 s."),
        ({"kind": "not-json"}, BrokenAnswer, "it is no JSON object."),
        ({"kind": "redirect"}, Refused, "it redirects, which is not followed."),
        ({"kind": "500-after"}, Unavailable, "it answered 500."),
        ({"kind": "timeout-after", "seconds": 1.0}, Unavailable, "no answer within 0.5 s."),
        ({"kind": "cut-after"}, BrokenAnswer, "it was cut off."),
    ],
)
def test_each_fault_is_one_sentence(
    chat: StandIn,
    store: Store,
    spoil: Callable[..., None],
    rule: dict[str, Any],
    kind: type[Exception],
    words: str,
) -> None:
    spoil(**rule, times=1)
    bounds = QUICK if "timeout" in rule["kind"] else PATIENT
    with client_of(chat, bounds=bounds) as client:
        with pytest.raises(kind) as raised:
            client.create_channel("pr-1")
        assert str(raised.value).endswith(words)
    # After a time-out the chat may still be about to act.
    is_done = rule["kind"].endswith("-after")
    wait_for(lambda: bool(store.channels(limit=9)) == is_done, 10, what="what was done")


def test_too_many_requests_name_the_seconds_to_wait(
    chat: StandIn, spoil: Callable[..., None]
) -> None:
    spoil("429", times=1, seconds=17.0)
    with client_of(chat) as client:
        with pytest.raises(Unavailable, match="too often") as raised:
            client.create_channel("pr-1")
        assert raised.value.retry_after == 17.0
        assert client.create_channel("pr-1").name == "pr-1"


def test_a_chat_that_is_not_there_is_one_sentence() -> None:
    with (
        Chat(f"http://127.0.0.1:{reserve_port()}/api", TOKEN, bounds=PATIENT) as client,
        pytest.raises(Unavailable, match=r"could not answer for now: the connection failed\.$"),
    ):
        client.create_channel("pr-1")


class Heard(PlainSession):
    """A session that keeps what it was to send."""

    sent: list[tuple[str, Any]] = []

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        Heard.sent.append((url, kwargs["headers"]))
        return super().request(method, url, *args, **kwargs)


def test_the_token_goes_into_its_header_and_into_no_error(
    chat: StandIn, spoil: Callable[..., None]
) -> None:
    secret = "made-up-for-this-test"
    Heard.sent.clear()
    spoil("redirect", times=1)
    with client_of(chat, secret, open_session=Heard) as client, pytest.raises(Refused) as raised:
        client.create_channel("pr-1")
    [(url, headers)] = Heard.sent
    assert headers["Authorization"] == f"Bearer {secret}"
    assert secret not in url + repr(raised.value) + str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    ["ftp://chat.example", "chat.example", "https://me@chat.example", "https://chat.example/?a"],
)
def test_an_address_that_is_none_is_refused_at_once(url: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match=re.escape("SLACK_API_URL is not a plain http")):
        Chat(url, TOKEN)
    settings.SLACK_API_URL = url
    [found] = check_chat()
    assert (found.id, found.is_serious()) == ("advex.E001", True)


@pytest.mark.parametrize("url", ["http://slack.com/api", "http://localhost.chat.example/api"])
def test_a_token_does_not_travel_as_plain_text(url: str, settings: Settings) -> None:
    settings.SLACK_API_URL, settings.SLACK_TOKEN = url, "made-up"
    [found] = check_chat()
    assert "https" in found.msg
    assert "made-up" not in found.msg


@pytest.mark.parametrize(
    "url", ["https://slack.com/api", "http://127.0.0.1:8011/api", "http://[::1]:1/api"]
)
def test_other_addresses_suit(url: str, settings: Settings) -> None:
    settings.SLACK_API_URL = url
    assert check_chat() == check_interval() == []


def test_an_interval_of_nothing_is_refused(settings: Settings) -> None:
    settings.REMINDERS_EVERY_SECONDS = 0.0
    [found] = check_interval()
    assert found.id == "advex.E002"


@pytest.mark.parametrize("body", [{}, {"channel": []}, {"channel": {"id": "", "name": "x"}}])
def test_an_answer_that_says_too_little_is_no_channel(
    monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    with Chat("http://127.0.0.1:1/api", TOKEN) as client:
        monkeypatch.setattr(client, "_tell", lambda *_, **__: {"ok": True} | body)
        with pytest.raises(BrokenAnswer):
            client.create_channel("pr-1")
