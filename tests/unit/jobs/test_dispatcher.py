"""The dispatcher publishes what is due and what was left, and acts only while it leads."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from celery_uncovered.jobs import dispatcher, outbox
from celery_uncovered.jobs.errors import NotAllSentError
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import state_of


def numbers(sent: list[Delivery]) -> list[tuple[str, int]]:
    return [(one.message.task_id, one.attempt) for one in sent]


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def test_a_job_is_queued_and_sent_when_it_is_due_and_not_before(
    ledger: list[Delivery],
) -> None:
    due, later = (str(tasks.add.apply_async((1, 1), countdown=60).id) for _ in range(2))
    assert dispatcher.publish_due() == 0
    Job.objects.filter(id=due).update(due_at=ago(1))
    assert dispatcher.publish_due() == 1
    assert numbers(ledger) == [(due, 1)]
    assert (state_of(due), state_of(later)) == (State.QUEUED, State.SCHEDULED)
    assert Job.objects.get(id=due).published_at is not None
    assert dispatcher.publish_due() == 0


def test_what_was_never_sent_is_sent_after_a_grace_for_its_publisher(
    ledger: list[Delivery],
) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    assert dispatcher.publish_unpublished() == 0
    Job.objects.filter(id=task_id).update(queued_at=ago(3), attempt=2)
    assert dispatcher.publish_unpublished() == 1
    assert numbers(ledger) == [(task_id, 3)]
    assert dispatcher.publish_unpublished() == 0


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("state", [State.QUEUED, State.SCHEDULED])
def test_it_reads_many_jobs_at_once(state: State, django_assert_max_num_queries: Any) -> None:
    """Nothing of a message is left to be read job by job; the note that it is sent is one statement each."""
    for _ in range(20):
        tasks.add.delay(1, 1)
    Job.objects.update(state=state, queued_at=ago(3), due_at=ago(1), published_at=None)
    with django_assert_max_num_queries(20 + 10):
        publish = (
            dispatcher.publish_due if state == State.SCHEDULED else dispatcher.publish_unpublished
        )
        assert publish() == 20


@pytest.mark.usefixtures("ledger")
def test_what_the_broker_does_not_take_stays_in_the_ledger(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Any) -> None:
        raise NotAllSentError([], ConnectionError("no broker"))

    monkeypatch.setattr(outbox, "send", refuse)
    task_id = str(tasks.add.apply_async((1, 1), countdown=60).id)
    Job.objects.filter(id=task_id).update(due_at=ago(1))
    assert dispatcher.publish_due() == 0
    job = Job.objects.get(id=task_id)
    assert (job.state, job.published_at) == (State.QUEUED, None)
    assert "1 jobs wait: The broker cannot be reached: no broker." in caplog.text


class Stage:
    """A dispatcher's surroundings: what the election says at each turn, and what it did."""

    def __init__(self, elections: list[Any]) -> None:
        self.elections = iter(elections)
        self.stop = threading.Event()
        self.acts: list[bool] = []
        self.resigned = False

    def lead(self) -> Any:
        answer = next(self.elections, self.stop)
        if answer is self.stop:
            self.stop.set()
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def resign(self) -> None:
        self.resigned = True

    def act(self, *, sweep: bool) -> bool:
        self.acts.append(sweep)
        return False


@pytest.fixture
def run_dispatcher(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*elections: Any) -> Stage:
        stage = Stage(list(elections))
        monkeypatch.setattr(dispatcher, "Candidate", lambda **_: stage)
        monkeypatch.setattr(dispatcher, "_act", stage.act)
        monkeypatch.setattr(dispatcher, "TICK_SECONDS", 0.001)
        monkeypatch.setattr(dispatcher, "SWEEP_SECONDS", 0.003)
        dispatcher.Dispatcher(stop=stage.stop).run()
        return stage

    return run


def test_a_leader_acts_at_every_tick_and_sweeps_now_and_then(run_dispatcher: Any) -> None:
    stage = run_dispatcher(1, 1)
    assert stage.acts == [True, False, False, True, False, False]
    assert stage.resigned


def test_who_does_not_lead_does_nothing(run_dispatcher: Any) -> None:
    assert run_dispatcher(None, None).acts == []


def test_a_dispatcher_that_lost_the_lead_stops_acting(run_dispatcher: Any) -> None:
    assert run_dispatcher(1, None, None).acts == [True, False, False]


@pytest.mark.usefixtures("db")
def test_a_database_that_does_not_answer_is_waited_for(
    run_dispatcher: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed = threading.Event()
    monkeypatch.setattr(connection, "close", closed.set)
    stage = run_dispatcher(DatabaseError("gone"), 1)
    assert stage.acts[-3:] == [True, False, False]
    assert closed.is_set()
    assert "failed: gone" in caplog.text
