"""Chains, groups and chords over the ledger: each part counts once, and each callback runs once."""

import json
from typing import Any

import pytest
from celery import chain, chord, current_app, group
from celery.exceptions import ChordError
from django.apps import apps
from django.db.models import Sum

from celery_uncovered.jobs import contexts, idle, outbox, recovery, settle
from celery_uncovered.jobs.messages import ATTEMPT_HEADER, decode
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import make_due, run_all, run_job, state_of, value_of

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


def test_a_group_at_the_end_of_a_part_counts_each_of_its_tasks() -> None:
    inner = chain(tasks.add.si(1, 2), group(tasks.add.si(1, 10), tasks.add.si(1, 20)))
    result: Any = chain(group(tasks.add.si(1, 1), inner), tasks.echo.s()).delay()
    run_all()
    assert value_of(result.id) == [2, [11, 21]]


def test_a_part_that_fails_before_its_group_fails_the_chord_once() -> None:
    part = chain(tasks.fail.si("out of paper"), group(tasks.add.si(1, 1), tasks.add.si(2, 2)))
    result: Any = chord([tasks.add.s(1, 1), part], tasks.total.s()).delay()
    assert sorted(run_all()) == ["add", "fail"]
    assert "out of paper" in Job.objects.get(id=result.id).error
    assert Chord.objects.get().remaining == 0


def test_the_tasks_of_a_group_behind_a_failed_step_fail_with_it() -> None:
    behind = group(tasks.add.s(1), chain(tasks.add.s(1), tasks.add.s(2)))
    result: Any = chain(tasks.fail.si("out of paper"), behind).delay()
    assert run_all() == ["fail"]
    assert {part.state for part in result} == {"FAILURE"}
    with pytest.raises(RuntimeError, match="out of paper"):
        result.get(timeout=5)


def test_who_waits_for_a_chord_gets_the_error_of_the_part_itself() -> None:
    result: Any = chord([tasks.fail.s("out of paper"), tasks.add.s(1, 1)], tasks.total.s()).delay()
    run_all()
    with pytest.raises(RuntimeError, match="out of paper"):
        result.get(timeout=5)
    assert isinstance(value_of(result.id), ChordError)


def test_a_callback_that_is_refused_fails_and_leaves_the_parts_as_they_are() -> None:
    body = tasks.add.s(1, 2, 3).on_error(tasks.leave_note_after.s("errback"))
    result: Any = chord([tasks.echo.s(1), tasks.echo.s(2)], body).delay()
    assert run_all() == ["echo", "echo", "leave_note_after"]
    assert [part.state for part in result.parent] == ["SUCCESS", "SUCCESS"]
    error = Job.objects.get(id=result.id).error
    assert error.startswith("The callback cannot be submitted: The arguments do not fit ")


def test_link_error_of_a_chord_runs_once_where_a_chord_within_it_fails() -> None:
    inner = chord([tasks.echo.si(1), tasks.fail.si("out of paper")], tasks.echo.si("inner"))
    outer = chord(group([tasks.echo.si(2), inner]), tasks.echo.si("outer"))
    outer.link_error(tasks.leave_note_after.s("errback"))
    result: Any = outer.delay()
    assert sorted(run_all()) == ["echo", "echo", "fail", "leave_note_after"]
    assert state_of(result.id) == State.FAILURE
    (errback,) = Job.objects.filter(task=tasks.leave_note_after.name)
    assert result.id in errback.body


def test_a_chord_that_was_begun_with_django_celery_results_fires() -> None:
    header = [tasks.add.s(1, 1), tasks.add.s(2, 2)]
    result: Any = chord(header, tasks.total.s()).delay()
    noted = Chord.objects.get()
    _, parts = decode(noted.parts)
    counters: Any = apps.get_model("django_celery_results", "ChordCounter")
    counters.objects.create(
        group_id=noted.group_id, sub_tasks=json.dumps(parts), count=noted.remaining
    )
    noted.delete()
    run_all()
    assert value_of(result.id) == 6


def test_a_part_adds_parts_to_its_chord() -> None:
    header = [odd_tasks.add_parts.s([5, 6]), tasks.add.s(1, 1)]
    result: Any = chord(header, tasks.echo.s()).delay()
    run_all()
    assert value_of(result.id) == [0, 2, 5, 6]


def test_a_task_reads_when_it_was_due() -> None:
    later: Any = odd_tasks.tell_eta.apply_async(countdown=60)
    make_due(later.id)
    run_job(later.id)
    due_at = Job.objects.get(id=later.id).due_at
    assert due_at is not None
    assert value_of(later.id) == due_at.isoformat()


def test_errbacks_are_submitted_with_the_failure_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task_id = tasks.fail.apply_async(
        ("out of paper",), link_error=tasks.leave_note_after.s("errback")
    ).id
    request = contexts.request_of(Job.objects.get(id=task_id))
    assert claim.claim_job(task_id, attempt=1, task=tasks.fail.name)
    setattr(request, ATTEMPT_HEADER, 1)
    backend: Any = current_app.backend

    def break_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    # The process ends before the failure is committed: nothing is left of either.
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "send_after_commit", break_off)
        with pytest.raises(KeyboardInterrupt):
            backend.mark_as_failure(task_id, RuntimeError("out of paper"), request=request)
    assert state_of(task_id) == State.STARTED
    assert not Job.objects.filter(task=tasks.leave_note_after.name).exists()

    backend.mark_as_failure(task_id, RuntimeError("out of paper"), request=request)
    assert state_of(task_id) == State.FAILURE
    assert run_all() == ["leave_note_after"]


def test_an_errback_that_is_refused_leaves_the_failure_recorded() -> None:
    # It takes one argument more than it gets.
    errback = tasks.leave_note_after.s()
    task_id = tasks.fail.apply_async(("out of paper",), link_error=errback).id
    assert run_all() == ["fail"]
    assert state_of(task_id) == State.FAILURE


def test_an_errback_that_takes_the_error_is_called_after_the_commit(
    django_capture_on_commit_callbacks: Any,
) -> None:
    odd_tasks.noted.clear()
    task_id = tasks.fail.apply_async(("out of paper",), link_error=odd_tasks.note_error.s()).id
    with django_capture_on_commit_callbacks(execute=True):
        run_job(task_id)
        assert odd_tasks.noted == []
    assert odd_tasks.noted == [(task_id, "out of paper")]
    assert Job.objects.count() == 1


def claimed(task_id: str) -> None:
    assert claim.claim_job(task_id, attempt=1, task="add") is not None


def from_recovery(task_id: str) -> None:
    assert recovery.bring_back(Job.objects.get(id=task_id), "The worker died.")
    assert not settle.is_live(task_id)
