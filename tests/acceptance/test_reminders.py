"""Pull-request reminders: webhooks over HTTP, a chat in a process of its own, and days that pass."""

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from celery_uncovered.advex.reminders.github import recorded, sign
from tests.acceptance.installation import IO_WORKER, Installation, Options, on
from tests.stacks import EMBEDDED, SERVERS
from tests.support.github import GitHub
from tests.support.skipping import skip

SECONDS = 60
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WORDS = [
    "Opened", "Still open after a day", "Still open after 2 days", "Still open after 3 days",
    "Merged by ailisp",
]  # fmt: skip
numbers = itertools.count(100)


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(settings="tests.support.skipping.settings", has_web=True)


@pytest.fixture
def github(installation: Installation) -> GitHub:
    secret = installation.stack.env["GITHUB_WEBHOOK_SECRET"]
    return GitHub(site=installation.web, secret=secret)


@pytest.fixture
def number() -> int:
    """Each test has a pull request of its own."""
    return next(numbers)


def said(installation: Installation, number: int) -> list[str]:
    [channel] = installation.channels_of(number)
    return [message["text"].partition(":")[0] for message in channel["messages"]]


def wait_until_said(installation: Installation, number: int, words: list[str]) -> None:
    """And until the run waits again, or has ended."""

    def is_said() -> bool:
        channels = installation.channels_of(number)
        return bool(channels) and said(installation, number) == words and is_parked(installation)

    installation.stack.wait_for(is_said, SECONDS, f"{words[-1]!r} is said")


def is_parked(installation: Installation) -> bool:
    busy = "SELECT count(*) FROM workflows_run WHERE state IN ('READY', 'RUNNING')"
    return installation.stack.query(busy) == [(0,)]


def is_archived(installation: Installation, number: int) -> bool:
    return all(channel["is_archived"] for channel in installation.channels_of(number))


def pass_days(installation: Installation, time: timedelta) -> None:
    skip(Path(installation.stack.env["DATA_DIR"]), time)


@on(EMBEDDED, SERVERS)
def test_from_the_webhook_over_days_to_the_archive(
    installation: Installation, github: GitHub, number: int
) -> None:
    answer = github.tell("opened", number)
    assert (answer.status_code, answer.json()["result"]) == (202, "reminders started")
    assert answer.elapsed.total_seconds() < 10
    wait_until_said(installation, number, WORDS[:1])
    for day in (1, 2, 3):
        pass_days(installation, DAY)
        wait_until_said(installation, number, WORDS[: day + 1])
    assert github.tell("merged", number).json()["result"] == "reminders told to end"
    wait_until_said(installation, number, WORDS)
    assert is_archived(installation, number)
    [channel] = installation.channels_of(number)
    assert f"https://github.com/{recorded.REPO}/pull/{number}|" in channel["messages"][0]["text"]
    marks = [one["metadata"]["event_payload"]["step"] for one in channel["messages"]]
    assert marks == [f"{answer.json()['run']}/0/post#{one}" for one in (1, 2, 3, 4, 5)]


@on(EMBEDDED, SERVERS)
def test_whoever_is_killed_nothing_is_said_twice_or_left_out(
    installation: Installation, github: GitHub, number: int
) -> None:
    """The chat, after each act that it has done and not answered; and the worker meanwhile."""
    for method in ("conversations.create", "chat.postMessage"):
        installation.spoil_chat({"kind": "killed-after", "method": method, "times": 1})
        if method == "conversations.create":
            github.tell("opened", number)
        else:
            pass_days(installation, DAY)
        installation.chat.wait(SECONDS)
        installation.io.kill()
        installation.start_chat_again()
        installation.io = installation.stack.start("worker", *IO_WORKER, timeout=SECONDS)
        wait_until_said(installation, number, WORDS[: 1 if "create" in method else 2])
    installation.spoil_chat({"kind": "killed-after", "method": "conversations.archive", "times": 1})
    github.tell("closed", number)
    installation.chat.wait(SECONDS)
    installation.start_chat_again()
    words = [*WORDS[:2], "Closed without being merged by Codertocat"]
    wait_until_said(installation, number, words)
    installation.stack.wait_for(
        lambda: is_archived(installation, number), SECONDS, "the channel is archived"
    )


@on(EMBEDDED)
def test_reopened_it_has_another_channel(
    installation: Installation, github: GitHub, number: int
) -> None:
    words = [github.tell(one, number).json()["result"] for one in ("opened", "closed", "reopened")]
    assert words == ["reminders started", "reminders told to end", "reminders started"]

    def has_two() -> bool:
        states = sorted(one["is_archived"] for one in installation.channels_of(number))
        return states == [False, True] and is_parked(installation)

    installation.stack.wait_for(has_two, SECONDS, "one is archived, and one is open")
    github.tell("closed", number)
    installation.stack.wait_for(
        lambda: is_archived(installation, number), SECONDS, "both are archived"
    )


@on(EMBEDDED, SERVERS)
def test_deliveries_are_taken_once_and_refused_where_they_are_not_githubs(
    installation: Installation, github: GitHub, number: int
) -> None:
    body = recorded.readdressed("pull_request.closed", number=number).body
    assert github.deliver(body, guid="one-guid").json() == {"result": "no reminders to end"}
    assert github.deliver(body, guid="one-guid").json() == {"result": "seen before"}
    assert github.deliver(body, guid="another-guid").json() == {"result": "seen before"}
    forged = GitHub(site=installation.web, secret="another")
    assert forged.deliver(body).status_code == 401
    assert requests.get(f"{installation.web}/webhooks/github/", timeout=20).status_code == 405


@on(EMBEDDED)
def test_what_is_too_large_is_refused_whatever_is_said_of_its_length(
    installation: Installation, github: GitHub, number: int
) -> None:
    """In chunks, as a server gets it that is told no length."""
    part, parts = b"x" * 2**20, 26
    answer = github.send(
        (part for _ in range(parts)), event="pull_request", signature="sha256=" + "0" * 64
    )
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("The body is larger than 25 MB")
    # In chunks, and not too large, it is read like any other.
    body = recorded.readdressed("pull_request.closed", number=number).body
    halves: list[Any] = [body[:1000], body[1000:]]
    answer = github.send(iter(halves), event="pull_request", signature=sign(body, github.secret))
    assert answer.json() == {"result": "no reminders to end"}
