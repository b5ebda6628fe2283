"""One leader per role at a time; every take-over raises the epoch."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from celery_uncovered.jobs.errors import LeadLostError
from celery_uncovered.jobs.leadership import Candidate

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(datetime(2026, 5, 31, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def candidate(holder: str, role: str = "dispatcher") -> Candidate:
    return Candidate(role=role, holder=holder, seconds=10)


def test_the_first_leads_and_renews_in_the_same_epoch(clock: Any) -> None:
    first, second = candidate("first"), candidate("second")
    assert first.lead() == 1
    clock.shift(9)
    assert second.lead() is None
    assert first.lead() == 1
    clock.shift(9)
    assert second.lead() is None


def test_another_takes_over_when_the_lead_has_run_out_in_a_new_epoch(clock: Any) -> None:
    first, second = candidate("first"), candidate("second")
    first.lead()
    clock.shift(10)
    assert second.lead() == 2
    assert first.lead() is None
    clock.shift(10)
    assert first.lead() == 3


def test_a_leader_that_was_away_comes_back_in_a_new_epoch(clock: Any) -> None:
    first = candidate("first")
    first.lead()
    clock.shift(60)
    assert first.lead() == 2


def test_one_that_resigns_is_followed_at_once(clock: Any) -> None:
    first, second = candidate("first"), candidate("second")
    first.lead()
    second.resign()
    assert second.lead() is None
    first.resign()
    assert second.lead() == 2


def test_a_lead_that_was_taken_by_a_wrong_clock_does_not_last(clock: Any) -> None:
    first, second = candidate("first"), candidate("second")
    clock.shift(90_000)
    first.lead()
    clock.shift(-90_000)
    assert second.lead() == 2


def test_an_act_of_a_leader_is_refused_once_another_has_led(clock: Any) -> None:
    first, second = candidate("first"), candidate("second")
    first.lead()
    first.hold(1)
    clock.shift(10)
    first.hold(1)
    second.lead()
    with pytest.raises(LeadLostError, match="first does not lead as dispatcher any more"):
        first.hold(1)
    with pytest.raises(LeadLostError):
        second.hold(1)


def test_roles_do_not_know_each_other(clock: Any) -> None:
    assert candidate("first").lead() == 1
    assert candidate("second", role="beat").lead() == 1
