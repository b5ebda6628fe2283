"""A job that was replaced ends with what replaced it, however that ends."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import idle, recovery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import make_due, queued, run_all, run_job, state_of, value_of

pytestmark = pytest.mark.usefixtures("ledger")


def replaced_by(task: Any, *args: Any, **kwargs: Any) -> str:
    task_id = str(task.delay(*args, **kwargs).id)
    run_job(task_id)
    return task_id


def handed_over_long_ago(task_id: str) -> None:
    long_ago = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS + 60)
    Job.objects.filter(id=task_id).update(started_at=long_ago)


def test_a_chain_that_goes_through_ends_the_job_that_it_replaced() -> None:
    task_id = replaced_by(odd_tasks.become_a_chain, "adds")
    assert state_of(task_id) == State.STARTED
    run_all()
    assert value_of(task_id) == 4


@pytest.mark.parametrize(
    ("first", "state"),
    [("fails", State.FAILURE), ("ignores", State.REVOKED), ("expires", State.REVOKED)],
)
def test_a_chain_that_stops_in_its_first_step_ends_the_job_that_it_replaced(
    first: str, state: State
) -> None:
    task_id = replaced_by(odd_tasks.become_a_chain, first)
    run_all()
    idle.expire()
    job = Job.objects.get(id=task_id)
    assert (job.state, bool(job.error), job.finished_at is None) == (state, True, False)


@pytest.mark.parametrize("how", ["cancelled", "revoked"])
def test_a_step_that_is_taken_away_ends_the_job_that_it_replaced(how: str) -> None:
    task_id = replaced_by(odd_tasks.become_a_chain, "adds")
    step = queued().get().id
    if how == "cancelled":
        assert jobs.cancel_job(step)
    else:
        assert idle.revoke_idle([step], "No longer wanted.") == 1
    assert (state_of(step), state_of(task_id)) == (State.REVOKED, State.REVOKED)
    assert run_all() == []


def test_a_job_whose_family_is_gone_fails_after_the_lease_time() -> None:
    task_id = replaced_by(odd_tasks.become_a_chain, "adds")
    Job.objects.exclude(id=task_id).delete()
    assert recovery.fail_abandoned() == 0
    handed_over_long_ago(task_id)
    assert recovery.fail_abandoned() == 1
    job = Job.objects.get(id=task_id)
    assert job.state == State.FAILURE
    assert job.error == f"Job {task_id} handed over to other jobs, and all of them have ended."


def test_a_job_with_a_part_that_lives_is_not_abandoned() -> None:
    task_id = replaced_by(odd_tasks.become_a_chain, "adds")
    handed_over_long_ago(task_id)
    assert recovery.fail_abandoned() == 0
    assert state_of(task_id) == State.STARTED


def test_jobs_that_only_wait_for_each_other_are_abandoned_both() -> None:
    """Neither keeps the other alive."""
    outer = replaced_by(odd_tasks.become_a_chain, "adds")
    inner = queued().get().id
    Job.objects.filter(id=inner).update(state=State.STARTED)
    for task_id in (outer, inner):
        handed_over_long_ago(task_id)
    assert recovery.fail_abandoned() >= 1
    assert (state_of(outer), state_of(inner)) == (State.FAILURE, State.FAILURE)


def test_an_abandoned_job_that_cannot_be_failed_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = (replaced_by(odd_tasks.become_a_chain, "adds") for _ in range(2))
    Job.objects.exclude(id__in=[bad, good]).delete()
    for task_id in (bad, good):
        handed_over_long_ago(task_id)
    Job.objects.filter(id=bad).update(message="[")
    assert recovery.fail_abandoned() == 1
    assert (state_of(bad), state_of(good)) == (State.STARTED, State.FAILURE)


def test_a_replacement_that_is_due_later_is_scheduled() -> None:
    task_id = replaced_by(odd_tasks.become_later)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.lease_node) == (State.SCHEDULED, None)
    assert job.due_at is not None
    assert timedelta(seconds=50) < job.due_at - timezone.now() <= timedelta(seconds=60)
    assert run_all() == []
    make_due(task_id)
    run_all()
    assert value_of(task_id) == 2


def test_a_chords_callback_that_is_due_later_is_scheduled() -> None:
    task_id = replaced_by(odd_tasks.become_a_chord_that_ends_later)
    assert run_all() == ["add"]
    assert state_of(task_id) == State.SCHEDULED
    make_due(task_id)
    assert run_all() == ["total"]
    assert value_of(task_id) == 2


@pytest.mark.behaviour("J15")
@pytest.mark.parametrize("as_chord", [False, True])
def test_a_job_that_started_in_time_does_not_expire_in_its_last_step(as_chord: bool) -> None:  # noqa: FBT001
    task_id = replaced_by(odd_tasks.outlive_its_expiry, as_chord=as_chord)
    run_all()
    assert (state_of(task_id), value_of(task_id)) == (State.SUCCESS, 2)
