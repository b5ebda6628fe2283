"""Cancelling at every stage: at once where nobody works on the job, at its next report otherwise."""

import itertools
from typing import Any

import pytest
from celery import chord

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import settle
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.task import JobTask
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks
from tests.unit.jobs.running import make_due, outcomes_of, run_all, run_job, state_of

pytestmark = pytest.mark.usefixtures("ledger")

CANCELLED = "The job was cancelled."


@pytest.mark.parametrize("options", [{}, {"countdown": 600}])
def test_a_waiting_job_is_revoked_at_once_and_never_runs(options: Any) -> None:
    task_id = str(tasks.add.apply_async((1, 1), **options).id)
    assert jobs.cancel_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error) == (State.REVOKED, CANCELLED)
    run_job(task_id, attempt=1)
    make_due(task_id)
    assert run_all() == []
    assert outcomes_of(task_id) == []


def test_a_job_that_waits_for_its_retry_is_revoked_at_once() -> None:
    task_id = str(tasks.retry_once.delay(600).id)
    run_job(task_id)
    assert state_of(task_id) == State.RETRY
    assert jobs.cancel_job(task_id)
    assert state_of(task_id) == State.REVOKED
    make_due(task_id)
    assert run_all() == []


def test_a_running_job_stops_at_its_next_report(monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = str(tasks.report_until.delay("gate").id)
    looks = itertools.count(1)

    def cancel_at_the_second_look(_: str) -> bool:
        if next(looks) == 2:
            assert jobs.cancel_job(task_id)
            assert state_of(task_id) == State.STARTED
        return False

    monkeypatch.setattr(tasks, "is_open", cancel_at_the_second_look)
    monkeypatch.setattr(tasks, "note", lambda _: None)
    run_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error, job.progress_done) == (State.REVOKED, CANCELLED, 1)
    assert outcomes_of(task_id) == ["REVOKED"]


def test_a_job_whose_worker_dies_before_it_stops_does_not_run_again() -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    assert claim.claim_job(task_id, attempt=1, task="add")
    assert jobs.cancel_job(task_id)
    assert settle.give_back(task_id, attempt=1, reason="The worker died.")
    run_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error) == (State.REVOKED, CANCELLED)
    assert outcomes_of(task_id) == ["LOST"]


def test_a_job_that_handed_over_is_revoked_with_its_parts() -> None:
    task_id = str(tasks.become_a_chord.delay().id)
    run_job(task_id)
    assert (state_of(task_id), Chord.objects.get().remaining) == (State.STARTED, 2)
    part = Job.objects.filter(root_id=task_id).exclude(id=task_id).first()
    assert part
    run_job(part.id)
    assert jobs.cancel_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error) == (State.REVOKED, CANCELLED)
    others = Job.objects.exclude(id__in=[task_id, part.id])
    assert [other.state for other in others] == [State.REVOKED]
    assert state_of(part.id) == State.SUCCESS
    assert run_all() == []


def test_a_cancelled_part_fails_the_chord_around_it() -> None:
    result: Any = chord([tasks.add.s(1, 1)] * 2, tasks.total.s()).delay()
    assert jobs.cancel_job(result.parent[0].id)
    assert run_all() == ["add"]
    assert state_of(result.id) == State.FAILURE


def test_what_has_ended_cannot_be_cancelled() -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    run_all()
    assert not jobs.cancel_job(task_id)
    assert not jobs.cancel_job("no such job")
    job = Job.objects.get(id=task_id)
    assert (job.state, job.cancel_requested) == (State.SUCCESS, False)


def test_a_job_that_is_cancelled_before_it_hands_over_leaves_no_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The parts and the hand-over are one transaction: refused together."""
    task_id = str(tasks.become_a_chord.delay().id)
    replace = JobTask.replace

    def cancelled_meanwhile(task: Any, sig: Any) -> Any:
        assert jobs.cancel_job(task_id)
        return replace(task, sig)

    monkeypatch.setattr(JobTask, "replace", cancelled_meanwhile)
    run_job(task_id)
    job = Job.objects.get()
    assert (job.id, job.state, job.error) == (task_id, State.REVOKED, CANCELLED)
    assert not Chord.objects.exists()
    assert outcomes_of(task_id) == ["REVOKED"]


def test_a_running_part_that_is_cancelled_counts_for_its_chord(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The chord hears of it as of any other end, and its callback fails instead of hanging."""
    result: Any = chord([tasks.report_until.s("gate")], tasks.total.s()).delay()
    part = result.parent[0].id

    def cancel(_: str) -> bool:
        jobs.cancel_job(part)
        return False

    monkeypatch.setattr(tasks, "is_open", cancel)
    monkeypatch.setattr(tasks, "note", lambda _: None)
    run_job(part)
    assert (state_of(part), state_of(result.id)) == (State.REVOKED, State.FAILURE)


def test_a_job_within_a_family_is_cancelled_with_its_own_descendants_only() -> None:
    """The root and its other branches go on."""
    root = str(tasks.add.delay(1, 1).id)

    def child_of(parent: str) -> str:
        return jobs.submit(tasks.add, args=[1, 1], root_id=root, parent_id=parent)

    part, sibling = child_of(root), child_of(root)
    child = child_of(part)
    grandchild = child_of(child)
    assert jobs.cancel_job(part)
    assert [state_of(id_) for id_ in (part, child, grandchild)] == [State.REVOKED] * 3
    assert [state_of(id_) for id_ in (root, sibling)] == [State.QUEUED] * 2
