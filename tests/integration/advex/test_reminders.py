"""The reminders on both databases, with weeks skipped: what is said, and that it is said once."""

import pytest

from tests.integration.advex import cases
from tests.stacks import Stack

CHANNEL = "pr-hello-world-2 12"
ARCHIVED = f"{CHANNEL} (archived)"
MERGED, CLOSED = "Merged by ailisp", "Closed without being merged by Codertocat"


def reminders(count: int) -> list[str]:
    days = ["a day", *(f"{number} days" for number in range(2, count + 1))]
    return [f"Still open after {words}" for words in days[:count]]


@pytest.mark.parametrize(("then", "last"), [("merged", MERGED), ("closed", CLOSED)])
def test_a_month_of_reminders_and_what_ended_it(database: Stack, then: str, last: str) -> None:
    done = database.call(cases.look_after, 30, then=then)
    assert done["waiting"] == ["WAITING"]
    assert done["said"] == {ARCHIVED: ["Opened", *reminders(30), last]}
    assert done["states"] == ["SUCCESS"]


def test_closed_on_the_first_day_nobody_is_reminded(database: Stack) -> None:
    done = database.call(cases.look_after, 0, then="merged")
    assert done["said"] == {ARCHIVED: ["Opened", MERGED]}


@pytest.mark.behaviour("D23")
def test_reopened_it_has_another_run_and_another_channel(database: Stack) -> None:
    done = database.call(cases.reopen_before_the_first_run_has_ended)
    # The second does not take the event that closed the first.
    assert done["between"]["said"] == {ARCHIVED: ["Opened", CLOSED], CHANNEL: ["Opened"]}
    assert done["between"]["states"] == ["SUCCESS", "WAITING"]
    assert done["states"] == ["SUCCESS"] * 2


def test_who_dies_between_an_act_and_its_record_acts_once(database: Stack) -> None:
    done = database.call(cases.die_after_each_act)
    assert done["said"] == {ARCHIVED: ["Opened", *reminders(1), CLOSED]}
    assert done["states"] == ["SUCCESS"]
    assert [label for label in done["steps"] if not label.startswith("event")] == [
        "create_channel#1", "channel#1", "post#1", "post#2", "post#3", "archive#1",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["503", "500-after"])
def test_a_chat_that_is_away_for_days_hears_everything_once_when_it_is_back(
    database: Stack, kind: str
) -> None:
    done = database.call(cases.wait_for_the_chat, kind=kind, days=3)
    assert done["during"]["states"] == ["WAITING"]
    assert done["said"] == {ARCHIVED: ["Opened", *reminders(1), CLOSED]}
    assert done["states"] == ["SUCCESS"]


def test_a_chat_that_is_asked_too_often_is_asked_again_when_it_says(database: Stack) -> None:
    done = database.call(cases.ask_too_often, 300.0)
    assert done["kind"] == "backoff"
    assert 290 < done["pause"] <= 300
    assert done["said"] == {CHANNEL: ["Opened"]}


def test_a_token_that_is_refused_ends_the_run_in_a_sentence_until_somebody_resumes_it(
    database: Stack,
) -> None:
    done = database.call(cases.be_refused)
    assert done["error"] == "The chat refused conversations.create: invalid_auth."
    assert done["said"] == {CHANNEL: ["Opened"]}
    assert done["states"] == ["WAITING"]


def test_a_delivery_that_comes_many_times_at_once_starts_one_run(database: Stack) -> None:
    done = database.call(cases.deliver_at_once, 6)
    assert done["words"] == ["reminders started", *["seen before"] * 5]
    assert done["runs"] == 1
