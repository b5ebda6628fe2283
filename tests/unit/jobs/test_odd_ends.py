"""Ends that Celery has beside success and failure: what the job is then, and who hears of it."""

from typing import Any

import pytest
from celery import chain, chord, current_app
from celery.exceptions import NotRegistered
from celery.utils.objects import Bunch

from celery_uncovered.jobs import contexts, idle, recovery
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import make_due, outcomes_of, run_all, run_job, state_of

pytestmark = pytest.mark.usefixtures("ledger")


# --- Reject and Ignore ---------------------------------------------------------------------------
def test_a_rejected_job_fails() -> None:
    task_id = str(odd_tasks.reject.delay(requeue=False).id)
    run_job(task_id)
    assert (state_of(task_id), outcomes_of(task_id)) == (State.FAILURE, ["FAILURE"])
    assert "not for me" in Job.objects.get(id=task_id).error


def test_a_job_that_is_rejected_for_another_try_is_queued_again() -> None:
    task_id = str(odd_tasks.reject.delay(requeue=True).id)
    run_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.published_at, job.times_lost) == (State.QUEUED, None, 0)
    assert outcomes_of(task_id) == ["LOST"]


def test_a_job_that_ends_itself_alone_succeeds_without_a_value() -> None:
    task_id = str(odd_tasks.ignore.delay().id)
    run_job(task_id)
    assert state_of(task_id) == State.SUCCESS
    assert current_app.AsyncResult(task_id).result is None


def test_what_follows_a_job_that_ends_itself_ends_with_it() -> None:
    result: Any = chain(odd_tasks.ignore.si(), tasks.add.si(1, 1), tasks.add.s(2)).delay()
    first = result.parent.parent.id
    assert run_all() == ["ignore"]
    assert (state_of(first), state_of(result.id)) == (State.REVOKED, State.REVOKED)


def test_a_chords_part_that_ends_itself_fails_the_callback() -> None:
    result: Any = chord([tasks.add.s(1, 1), odd_tasks.ignore.si()], tasks.total.s()).delay()
    assert sorted(run_all()) == ["add", "ignore"]
    assert state_of(result.parent[1].id) == State.REVOKED
    assert (state_of(result.id), Chord.objects.get().remaining) == (State.FAILURE, 0)


def test_a_cancelled_job_that_retries_is_revoked() -> None:
    """It does not wait an hour for an attempt that will not be."""
    task_id = str(odd_tasks.retry_though_cancelled.delay().id)
    run_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error) == (State.REVOKED, idle.CANCELLED)
    assert outcomes_of(task_id) == ["REVOKED"]


# --- Celery's own revoke -------------------------------------------------------------------------
def test_a_message_that_celery_revokes_before_it_starts_revokes_the_job() -> None:
    """The message is for attempt 1 of a job that has had none."""
    task_id = str(tasks.add.delay(1, 1).id)
    current_app.backend.mark_as_revoked(task_id, "revoked", request=received(task_id, 1))
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error) == (State.REVOKED, "revoked")
    run_job(task_id, attempt=1)
    assert outcomes_of(task_id) == []


def test_a_revoked_message_of_an_earlier_attempt_changes_nothing() -> None:
    task_id = str(tasks.retry_once.delay(60).id)
    run_job(task_id)
    make_due(task_id)
    current_app.backend.mark_as_revoked(task_id, "revoked", request=received(task_id, 1))
    assert state_of(task_id) == State.QUEUED
    current_app.backend.mark_as_revoked(task_id, "revoked", request=received(task_id, 2))
    assert state_of(task_id) == State.REVOKED


def test_a_revoked_message_counts_for_its_chord() -> None:
    result: Any = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s()).delay()
    part = result.parent[0].id
    current_app.backend.mark_as_revoked(part, "revoked", request=received(part, 1))
    assert run_all() == ["add"]
    assert state_of(result.id) == State.FAILURE


def received(task_id: str, attempt: int) -> Any:
    request = contexts.request_of(Job.objects.get(id=task_id))
    setattr(request, ATTEMPT_HEADER, attempt)
    return request


# --- a task that the worker does not know --------------------------------------------------------
def mark_unknown(task_id: str) -> None:
    """What Celery's consumer does: its request has neither chord nor errbacks."""
    request = Bunch(
        name="gone", chord=None, root_id=None, correlation_id=task_id, reply_to=None, errbacks=None
    )
    current_app.backend.mark_as_failure(task_id, NotRegistered("gone"), request=request)


def test_a_part_that_the_worker_does_not_know_counts_for_its_chord() -> None:
    result: Any = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s()).delay()
    known, unknown = (part.id for part in result.parent)
    run_job(known)
    mark_unknown(unknown)
    assert (state_of(unknown), state_of(result.id)) == (State.FAILURE, State.FAILURE)
    assert Chord.objects.get().remaining == 0


def test_a_step_that_the_worker_does_not_know_ends_its_chain() -> None:
    result: Any = chain(tasks.add.s(1, 1), tasks.add.s(2)).delay()
    mark_unknown(result.parent.id)
    assert state_of(result.id) == State.FAILURE


def test_the_errbacks_of_a_task_that_the_worker_does_not_know_are_called() -> None:
    link_error = tasks.leave_note_after.s("errback")
    task_id = str(tasks.add.apply_async((1, 1), link_error=link_error).id)
    mark_unknown(task_id)
    assert state_of(task_id) == State.FAILURE
    assert run_all() == ["leave_note_after"]


def test_the_errbacks_of_a_job_that_took_its_workers_with_it_are_called() -> None:
    link_error = tasks.leave_note_after.s("errback")
    task_id = str(tasks.add.apply_async((1, 1), link_error=link_error).id)
    Job.objects.filter(id=task_id).update(
        state=State.STARTED, attempt=5, times_lost=4, lease_node="n", lease_pid=1
    )
    recovery.bring_back(Job.objects.get(id=task_id), "The worker died.")
    assert state_of(task_id) == State.FAILURE
    assert run_all() == ["leave_note_after"]


# --- chords in chords ----------------------------------------------------------------------------
def test_a_chord_that_fails_within_a_header_fails_the_chord_around_it() -> None:
    inner = chord([tasks.add.s(1, 1), tasks.fail.s("out of paper")], tasks.total.s())
    result: Any = chord([inner, tasks.add.s(2, 2)], tasks.total.s()).delay()
    assert sorted(run_all()) == ["add", "add", "fail"]
    outer = Job.objects.get(id=result.id)
    assert outer.state == State.FAILURE
    assert "out of paper" in outer.error
    assert set(Chord.objects.values_list("remaining", flat=True)) == {0}


def test_a_callback_that_its_chord_failed_says_whose_it_is() -> None:
    """It was never submitted; its row names the task and the family all the same."""
    task_id = str(odd_tasks.submit_a_chord_that_fails.delay().id)
    run_all()
    callback = Job.objects.get(task=tasks.total.name)
    assert (callback.state, callback.error.endswith("out of paper")) == (State.FAILURE, True)
    parts = Job.objects.filter(parent_id=task_id).values_list("id", flat=True)
    assert callback.root_id == task_id
    # As Celery has it for a callback that is submitted: the last part's child.
    assert callback.parent_id in parts
