"""When a job may start and until when, from what Celery's callers write."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine

from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.timing import Timing
from tests.support.app import tasks

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
IN_A_MINUTE = NOW + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _stopped_clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.parametrize(
    ("options", "due_at", "expires_at"),
    [
        ({}, None, None),
        ({"countdown": 60}, IN_A_MINUTE, None),
        ({"countdown": 0}, NOW, None),
        ({"countdown": timedelta(minutes=1)}, IN_A_MINUTE, None),
        ({"eta": IN_A_MINUTE}, IN_A_MINUTE, None),
        ({"eta": IN_A_MINUTE.replace(tzinfo=None)}, IN_A_MINUTE, None),
        ({"eta": IN_A_MINUTE.astimezone(timezone(timedelta(hours=5)))}, IN_A_MINUTE, None),
        ({"eta": "2026-05-31T12:01:00Z"}, IN_A_MINUTE, None),
        ({"countdown": 60, "eta": NOW}, IN_A_MINUTE, None),
        ({"expires": 60.0}, None, IN_A_MINUTE),
        ({"expires": IN_A_MINUTE}, None, IN_A_MINUTE),
        ({"expires": "2026-05-31T12:01:00+00:00"}, None, IN_A_MINUTE),
    ],
)
def test_timing_is_taken_out_of_the_options(
    options: dict[str, Any], due_at: datetime | None, expires_at: datetime | None
) -> None:
    left = options | {"queue": "io"}
    assert Timing.taken_from(left) == Timing(due_at=due_at, expires_at=expires_at)
    assert left == {"queue": "io"}


def test_what_is_due_now_or_was_is_not_later() -> None:
    assert not Timing().is_later
    assert not Timing(due_at=NOW).is_later
    assert Timing(due_at=IN_A_MINUTE).is_later
    assert (Timing().delay, Timing(due_at=NOW - timedelta(days=1)).delay) == (None, 0.0)
    assert Timing(due_at=IN_A_MINUTE).delay == 60.0


@pytest.mark.usefixtures("ledger")
def test_celery_never_sees_the_timing() -> None:
    """It would put the job into a worker's memory, and route it around its queue."""
    result = tasks.add.apply_async((1, 1), countdown=60, expires=600)
    job = Job.objects.get(id=result.id)
    assert (job.state, job.due_at) == (State.SCHEDULED, IN_A_MINUTE)
    assert job.expires_at == NOW + timedelta(minutes=10)
    assert '"eta": null' in job.message
    assert '"expires": null' in job.message
