"""What is sent by name, and what runs in its caller, leaves a row as well."""

from datetime import timedelta
from typing import Any

import pytest
from celery import chain, current_app, group
from django.db import transaction
from django.utils import timezone

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.errors import ArgumentsMismatchError
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import run_all, state_of, value_of

pytestmark = pytest.mark.usefixtures("ledger")


def test_a_task_sent_by_name_is_a_job() -> None:
    result = current_app.send_task(tasks.add.name, [1, 2])
    assert state_of(result.id) == State.QUEUED
    assert run_all() == ["add"]
    assert value_of(result.id) == 3


def test_a_task_sent_by_name_is_refused_like_any_other() -> None:
    with pytest.raises(ArgumentsMismatchError):
        current_app.send_task(tasks.add.name, [1, 2, 3])


def test_a_task_that_this_process_does_not_know_is_a_job_all_the_same() -> None:
    result = current_app.send_task("shop.pay", [1], {"by": "card"}, countdown=60, expires=120)
    job = Job.objects.get(id=result.id)
    assert (job.task, job.queue, job.state) == ("shop.pay", "default", State.SCHEDULED)
    assert job.due_at is not None
    assert job.expires_at is not None
    assert timedelta(seconds=50) < job.due_at - timezone.now() < timedelta(seconds=60)
    assert timedelta(seconds=110) < job.expires_at - timezone.now() < timedelta(seconds=120)


def test_what_is_sent_by_name_is_sent_after_the_commit(
    ledger: list[Delivery], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        result = current_app.send_task("shop.pay", [1])
        assert ledger == []
    assert outbox.publisher().flush(10)
    assert [delivery.message.task_id for delivery in ledger] == [result.id]


def test_a_task_of_others_on_a_queue_of_theirs_is_sent_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[Any] = []
    original = current_app.amqp.send_task_message

    def record(producer: Any, name: str, message: Any, **options: Any) -> None:
        if not hasattr(producer, "message"):
            sent.append(name)
        else:
            original(producer, name, message, **options)

    monkeypatch.setattr(current_app.amqp, "send_task_message", record)
    monkeypatch.setattr(current_app.amqp.queues, "create_missing", True)
    current_app.send_task("shop.pay", [1], queue="theirs")
    assert sent == ["shop.pay"]
    assert not Job.objects.exists()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: Any = current_app.conf.changes
    monkeypatch.setitem(changes, "task_always_eager", value=True)


@pytest.mark.usefixtures("eager")
def test_an_eager_task_leaves_a_row_with_its_outcome() -> None:
    done = tasks.add.delay(1, 2)
    failed = tasks.fail.delay("out of paper")
    assert (state_of(done.id), value_of(done.id)) == (State.SUCCESS, 3)
    assert state_of(failed.id) == State.FAILURE
    job = Job.objects.get(id=failed.id)
    assert (job.task, job.error) == (tasks.fail.name, "out of paper")


@pytest.mark.usefixtures("eager")
def test_an_eager_composition_leaves_a_row_for_each_task() -> None:
    result: Any = chain(group(tasks.add.s(1, 1), tasks.add.s(2, 2)), tasks.total.s()).delay()
    assert result.get() == 6
    assert sorted(Job.objects.values_list("state", flat=True)) == [State.SUCCESS] * 3
