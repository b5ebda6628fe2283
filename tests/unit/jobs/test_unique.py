"""Keys and their windows: when one passes on, and what is refused."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job
from tests.support.app import tasks
from tests.unit.jobs.running import run_all, state_of

pytestmark = pytest.mark.usefixtures("ledger")

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)


def submit(**options: Any) -> str:
    return jobs.submit(tasks.add, args=[1, 1], unique_key="nightly", **options)


def keys() -> dict[str, str | None]:
    return dict(Job.objects.values_list("id", "unique_key"))


@pytest.mark.parametrize("window", [60, 60.0, timedelta(minutes=1)])
def test_the_key_passes_to_the_next_job_when_the_window_ends(window: Any) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        first = submit(unique_for=window)
        clock.shift(59.9)
        assert submit(unique_for=window) == first
        clock.shift(0.1)
        second = submit()
        assert second != first
        assert keys() == {first: None, second: "nightly"}
        # The second has no window, and the first one's end frees nothing.
        clock.shift(timedelta(days=365))
        assert submit() == second
    assert run_all() == ["add", "add"]
    assert (state_of(first), state_of(second)) == ("SUCCESS", "SUCCESS")


def test_a_job_that_ends_within_its_window_frees_the_key() -> None:
    first = submit(unique_for=3600)
    run_all()
    assert submit(unique_for=3600) != first


@pytest.mark.parametrize(
    "window", [0, -1, -0.5, timedelta(), timedelta(days=-1), math.nan, math.inf, True, "60", 1e300]
)
def test_an_odd_window_is_refused_in_one_sentence(window: Any) -> None:
    with pytest.raises(
        jobs.UniqueWindowError,
        match=r"^unique_for is a positive number of seconds or a timedelta, not .+\.$",
    ):
        submit(unique_for=window)
    assert not Job.objects.exists()


def test_a_window_without_a_key_is_refused() -> None:
    with pytest.raises(jobs.UniqueWindowError, match=r"^unique_for=60 .* without a unique_key\.$"):
        jobs.submit(tasks.add, args=[1, 1], unique_for=60)


@pytest.mark.parametrize("key", ["", "x" * 256, 7, "a\0b"])
def test_an_odd_key_is_refused_in_one_sentence(key: Any) -> None:
    with pytest.raises(jobs.UniqueKeyError, match=r"^A unique_key is a text of 1 to 255 char"):
        jobs.submit(tasks.add, args=[1, 1], unique_key=key)
    assert not Job.objects.exists()
