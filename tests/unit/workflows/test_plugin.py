"""The plugin for users' own tests: ``skip_time`` in a test of pytest."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.testing import TimeSkipper

pytestmark = pytest.mark.django_db
said: list[str] = []


@workflows.step
def say(text: str) -> str:
    said.append(text)
    return text


@workflows.workflow
def greet_daily(name: str, days: int) -> list[str]:
    greetings = []
    for day in range(days):
        greetings.append(say(f"{name} {day}"))
        workflows.sleep(timedelta(days=1))
    return greetings


def test_a_run_of_days_is_over_at_once(skip_time: TimeSkipper) -> None:
    before = skip_time.now
    assert skip_time.run(greet_daily, "Ada", 3) == ["Ada 0", "Ada 1", "Ada 2"]
    assert timedelta(days=3) <= skip_time.now - before < timedelta(days=3, minutes=1)


def test_time_passes_only_as_far_as_is_said(skip_time: TimeSkipper) -> None:
    handle = workflows.start(greet_daily, "Bo", 3)
    skip_time.advance()
    assert said[-1] == "Bo 0"
    skip_time.skip(timedelta(hours=23))
    assert said[-1] == "Bo 0"
    skip_time.skip(timedelta(hours=2))
    assert said[-1] == "Bo 1"
    assert handle.state == "WAITING"


LOOKS_LIKE_A_TAG = {
    "__type__": "tomorrow's",
    "__value__": [{"__type__": "sealed", "__value__": "x"}],
}


@workflows.step
def give_back(value: Any) -> Any:
    return value


@workflows.workflow
def take_any_payload(given: Any) -> Any:
    payload = workflows.wait_for_event("any payload")
    workflows.sleep(1)
    return [given, give_back(payload)]


def test_a_payload_that_looks_like_a_tag_of_kombus_means_itself(skip_time: TimeSkipper) -> None:
    """Whoever signs a webhook may put anything into it."""
    handle = workflows.start(take_any_payload, LOOKS_LIKE_A_TAG)
    skip_time.advance()
    workflows.send_event("any payload", LOOKS_LIKE_A_TAG)
    skip_time.advance()
    skip_time.skip(timedelta(seconds=2))
    assert handle.result(timeout=5) == [LOOKS_LIKE_A_TAG, LOOKS_LIKE_A_TAG]


@workflows.step(atomic=True)
def make_group(name: str) -> int:
    say(f"within a step {name}")
    return int(Group.objects.create(name=name).pk)


@workflows.step(timeout=30)
def count_groups() -> int:
    return Group.objects.count()


@workflows.workflow
def use_the_database(name: str) -> list[int]:
    return [make_group(name), count_groups()]


def test_steps_see_what_the_test_has_not_committed(skip_time: TimeSkipper) -> None:
    Group.objects.create(name="of the test")
    made, count = skip_time.run(use_the_database, "of a step")
    assert Group.objects.get(pk=made).name == "of a step"
    assert count == 2


def test_the_clock_is_set_back_after_each_test() -> None:
    assert clock.ahead == timedelta(0)
