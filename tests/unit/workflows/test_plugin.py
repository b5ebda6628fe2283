"""The plugin for users' own tests: ``skip_time`` in a test of pytest."""

from datetime import timedelta

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
