"""Chains, groups and chords over the ledger: each part counts once, and each callback runs once."""

from typing import Any

import pytest
from celery import chain, chord, current_app, group
from django.db.models import Sum

from celery_uncovered.jobs import claim, contexts, idle, recovery, settle
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import run_all, run_job, state_of, value_of

pytestmark = pytest.mark.usefixtures("ledger")


def test_a_chord_fires_its_callback_once_with_the_values_in_order() -> None:
    result: Any = chord([tasks.add.s(n, n) for n in range(5)], tasks.total.s()).delay()
    parts = [part.id for part in result.parent]
    # In another order than that of the header.
    for part in reversed(parts):
        assert not Job.objects.filter(id=result.id).exists()
        run_job(part)
    assert run_all() == ["total"]
    assert value_of(result.id) == 20


def test_a_part_that_is_delivered_or_recorded_twice_counts_once() -> None:
    result: Any = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s()).delay()
    part = result.parent[0].id
    run_job(part)
    run_job(part, attempt=1)
    request = contexts.request_of(Job.objects.get(id=part))
    current_app.backend.mark_as_done(part, 99, request)
    current_app.backend.mark_as_failure(part, RuntimeError("late"), request=request)
    assert Chord.objects.get().remaining == 1
    assert not Job.objects.filter(id=result.id).exists()
    run_all()
    assert value_of(result.id) == 6


def test_a_failed_part_fails_the_callback_once_with_the_parts_error() -> None:
    body = tasks.total.s().on_error(tasks.leave_note_after.s("errback"))
    header = [tasks.add.s(1, 1), tasks.fail.s("out of paper"), tasks.add.s(2, 2)]
    result: Any = chord(header, body).delay()
    failed = result.parent[1].id
    assert sorted(run_all()) == ["add", "add", "fail", "leave_note_after"]
    callback = Job.objects.get(id=result.id)
    assert callback.state == State.FAILURE
    assert callback.error == f"Part {failed} failed: out of paper"
    assert state_of(failed) == State.FAILURE
    assert not callback.attempts.exists()


def test_a_revoked_part_fails_the_callback() -> None:
    result: Any = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s()).delay()
    assert idle.revoke_idle([result.parent[0].id], "No longer wanted.") == 1
    assert run_all() == ["add"]
    callback = Job.objects.get(id=result.id)
    assert callback.state == State.FAILURE
    assert callback.error.endswith("No longer wanted.")


def test_link_error_runs_once_however_often_the_failure_is_recorded() -> None:
    task_id = tasks.fail.apply_async(
        ("out of paper",), link_error=tasks.leave_note_after.s("errback")
    ).id
    assert run_all() == ["fail", "leave_note_after"]
    request = contexts.request_of(Job.objects.get(id=task_id))
    current_app.backend.mark_as_failure(task_id, RuntimeError("late"), request=request)
    assert run_all() == []


def test_a_chain_passes_its_values_on_and_stops_where_a_step_fails() -> None:
    result: Any = chain(tasks.add.s(1, 1), tasks.add.s(2), tasks.add.s(3)).delay()
    assert run_all() == ["add", "add", "add"]
    assert value_of(result.id) == 7

    stopped: Any = chain(tasks.add.s(1, 1), tasks.fail.si("out of paper"), tasks.add.s(3)).delay()
    assert run_all() == ["add", "fail"]
    assert state_of(stopped.id) == State.FAILURE
    assert Job.objects.get(id=stopped.id).error == "out of paper"


def test_a_chain_whose_next_step_is_refused_fails_there_in_one_sentence() -> None:
    result: Any = chain(tasks.add.s(1, 1), tasks.add.s(1, 2, 3)).delay()
    assert run_all() == ["add"]
    first = Job.objects.get(id=result.parent.id)
    assert first.state == State.FAILURE
    assert first.error.startswith("The arguments do not fit tests.support.app.tasks.add: ")


def test_a_chord_in_a_chain_in_a_group_gives_what_celery_documents() -> None:
    joined = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s())
    result: Any = group(chain(joined, tasks.add.s(10)), tasks.add.s(0, 1)).delay()
    run_all()
    assert [value_of(part.id) for part in result] == [16, 1]


def test_a_group_in_a_chain_becomes_a_chord_with_the_step_behind_it() -> None:
    header = group(tasks.add.s(1), tasks.add.s(2))
    result: Any = chain(tasks.add.s(1, 1), header, tasks.total.s()).delay()
    run_all()
    assert value_of(result.id) == 7


def test_a_chord_whose_parts_are_chains_and_chords_counts_each_once() -> None:
    inner = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s())
    header = [chain(tasks.add.s(1, 1), tasks.add.s(2)), inner]
    result: Any = chord(header, tasks.total.s()).delay()
    run_all()
    assert value_of(result.id) == 10
    assert Chord.objects.aggregate(Sum("remaining")) == {"remaining__sum": 0}


def test_a_replaced_task_ends_under_its_own_id() -> None:
    result: Any = chord([tasks.be_replaced.s(2), tasks.add.s(1, 1)], tasks.total.s()).delay()
    part = result.parent[0].id
    assert sorted(run_all()) == ["add", "add", "be_replaced", "total"]
    assert value_of(part) == 4
    assert value_of(result.id) == 6


def test_a_part_that_is_out_of_workers_to_take_with_it_fails_its_chord() -> None:
    result: Any = chord([tasks.add.s(1, 1)] * 2, tasks.total.s()).delay()
    part = result.parent[0].id
    Job.objects.filter(id=part).update(times_lost=4)
    claimed(part)
    from_recovery(part)
    assert state_of(part) == State.FAILURE
    assert run_all() == ["add"]
    assert "The worker died 5 times" in Job.objects.get(id=result.id).error


def claimed(task_id: str) -> None:
    assert claim.claim_job(task_id, attempt=1, task="add") is not None


def from_recovery(task_id: str) -> None:
    assert recovery.bring_back(Job.objects.get(id=task_id), "The worker died.")
    assert not settle.is_live(task_id)
