"""Acts on the chat that are done again: each leaves one channel, and one post."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from celery_uncovered.advex.reminders.channels import archive, create_once, latest, post_once
from celery_uncovered.advex.reminders.chat import Chat, NameTaken, Refused, Unavailable
from celery_uncovered.advex.reminders.standin.store import Store
from celery_uncovered.advex.reminders.workflow import create_channel, post

pytestmark = pytest.mark.usefixtures("chat")
CREATE, POST = "run/0/create_channel#1", "run/0/post#1"
AFTER = ["500-after", "timeout-after", "cut-after"]


@contextlib.contextmanager
def impatient(settings: Settings, kind: str) -> Iterator[None]:
    """For half a second only where the fault is that no answer comes."""
    patient = settings.SLACK_READ_TIMEOUT
    settings.SLACK_READ_TIMEOUT = 0.5 if "timeout" in kind else patient
    yield
    settings.SLACK_READ_TIMEOUT = patient


@pytest.mark.parametrize("kind", AFTER)
def test_a_channel_that_was_made_without_an_answer_is_found_again(
    store: Store, spoil: Callable[..., None], settings: Settings, kind: str
) -> None:
    spoil(kind, method="conversations.create", times=1, seconds=0.6)
    with impatient(settings, kind), pytest.raises(Unavailable):
        create_once("pr-1", step_id=CREATE)
    channel = create_once("pr-1", step_id=CREATE)
    assert [one["id"] for _, one in store.channels(limit=9)] == [channel]


def test_two_runs_have_a_channel_each_also_where_the_first_is_archived(store: Store) -> None:
    first = create_once("pr-1", step_id="one/0/create_channel#1")
    archive(first)
    second = create_once("pr-1", step_id="two/0/create_channel#1")
    assert first != second
    names = [one["name"] for _, one in store.channels(limit=9)]
    assert all(name.startswith("pr-1-") and len(name) == 17 for name in names)


def test_an_own_channel_that_somebody_archived_is_not_used(store: Store) -> None:
    archive(create_once("pr-1", step_id=CREATE))
    with pytest.raises(Refused, match="is_archived"):
        create_once("pr-1", step_id=CREATE)
    assert len(store.channels(limit=9)) == 1


def test_an_own_channel_that_is_not_in_the_list_yet_is_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create_once("pr-1", step_id=CREATE)
    with monkeypatch.context() as patch:
        patch.setattr(Chat, "find_channel", lambda *_: None)
        with pytest.raises(Unavailable, match="not in its list"):
            create_once("pr-1", step_id=CREATE)
    assert create_once("pr-1", step_id=CREATE) == first
    assert len(store.channels(limit=9)) == 1


def test_a_plain_function_is_told_that_a_name_is_taken() -> None:
    create_channel("pr-1")
    with pytest.raises(NameTaken):
        create_channel("pr-1")


@pytest.mark.parametrize("kind", AFTER)
def test_a_post_that_was_made_without_an_answer_is_found_again(
    store: Store, spoil: Callable[..., None], settings: Settings, kind: str
) -> None:
    channel = create_once("pr-1", step_id=CREATE)
    spoil(kind, method="chat.postMessage", times=1, seconds=0.6)
    with impatient(settings, kind), pytest.raises(Unavailable):
        post_once(channel, "hello", step_id=POST)
    ts = post_once(channel, "hello", step_id=POST)
    assert [one["ts"] for _, one in store.messages(channel, limit=9)] == [ts]


def test_the_same_words_of_another_step_are_another_post(store: Store) -> None:
    channel = create_once("pr-1", step_id=CREATE)
    for number in (1, 2):
        post_once(channel, "hello", step_id=f"run/0/post#{number}")
    assert len(store.messages(channel, limit=9)) == 2


def test_a_post_is_found_below_what_others_said_meanwhile(store: Store) -> None:
    channel = create_once("pr-1", step_id=CREATE)
    post_once(channel, "hello", step_id=POST)
    for number in range(999):
        store.post(channel, f"chatter {number}", None)
    post_once(channel, "hello", step_id=POST)
    assert len(store.messages(channel, limit=9999)) == 1000


def test_nothing_is_posted_where_it_cannot_be_seen_whether_it_was(
    store: Store, spoil: Callable[..., None]
) -> None:
    channel = create_once("pr-1", step_id=CREATE)
    spoil("503", method="conversations.history", times=1)
    with pytest.raises(Unavailable):
        post_once(channel, "hello", step_id=POST)
    assert store.messages(channel, limit=9) == []


def test_outside_of_a_run_a_step_is_just_a_function(store: Store) -> None:
    channel = create_channel("pr-1")
    post(channel, "hello")
    post(channel, "hello")
    assert [one.text for one in latest(channel, 9)] == ["hello", "hello"]
    assert [one["name"] for _, one in store.channels(limit=9)] == ["pr-1"]


def test_the_newest_are_shown_in_the_order_they_were_posted() -> None:
    channel = create_channel("pr-1")
    for number in range(5):
        post(channel, str(number))
    assert [one.text for one in latest(channel, 3)] == ["2", "3", "4"]
