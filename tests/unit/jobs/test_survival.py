"""The loops go on whatever happens in a round, and one bad row or message holds up no other."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from celery_uncovered.jobs import dispatcher, idle, lost_messages, node, recovery
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import claim, heartbeat, lost
from tests.support.app import tasks
from tests.unit.jobs.running import outcomes_of, state_of


class UnforeseenError(Exception):
    """No class that anything names."""


def fail(*_: Any, **__: Any) -> None:
    raise UnforeseenError


def overdue(**columns: Any) -> str:
    task_id = str(tasks.add.delay(1, 1).id)
    then = timezone.now() - timedelta(seconds=60)
    Job.objects.filter(id=task_id).update(queued_at=then, **columns)
    return task_id


# --- heartbeat -----------------------------------------------------------------------------------
@pytest.mark.usefixtures("ledger")
def test_a_heart_goes_on_beating_after_any_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker whose heart stops is taken for dead while it works."""
    beats: list[str] = []
    waits = iter([False] * 3 + [True])

    class Stop:
        def wait(self, _: float) -> bool:
            return next(waits)

    def beat(_: Any, name: str, *_more: Any) -> None:
        beats.append(name)
        fail()

    monkeypatch.setattr(heartbeat, "_stop", Stop())
    monkeypatch.setattr(heartbeat, "beat", beat)
    heartbeat._beat_on("worker1")
    assert beats == ["worker1"] * 3
    assert "A heartbeat failed" in caplog.text


# --- dispatcher ----------------------------------------------------------------------------------
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (idle, "expire"),
        (recovery, "recover_dead_nodes"),
        (recovery, "fail_abandoned"),
        (dispatcher, "publish_due"),
        (dispatcher, "publish_unpublished"),
    ],
)
def test_a_step_that_fails_keeps_the_others_from_nothing(
    module: Any, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    steps = {
        "expire": idle,
        "recover_dead_nodes": recovery,
        "fail_abandoned": recovery,
        "publish_due": dispatcher,
        "publish_unpublished": dispatcher,
    }

    def step(step_name: str) -> Any:
        def act() -> None:
            done.append(step_name)
            if step_name == name:
                raise UnforeseenError

        act.__name__ = step_name
        return act

    for step_name, owner in steps.items():
        monkeypatch.setattr(owner, step_name, step(step_name))
    dispatcher._act(sweep=True)
    assert done == list(steps)
    assert f"The dispatcher's {name} failed" in caplog.text


@pytest.mark.usefixtures("db")
def test_a_dispatcher_survives_an_election_and_a_look_for_messages_that_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = threading.Event()
    votes: list[Any] = [fail, lambda: 1, lambda: 1]
    elections, looks = iter(votes), list[int]()

    class Candidate:
        def __init__(self, **_: Any) -> None:
            pass

        def lead(self) -> Any:
            vote = next(elections, None)
            if vote is None:
                stop.set()
                return None
            return vote()

        resign = fail

    def mark_lost_messages() -> None:
        looks.append(1)
        fail()

    monkeypatch.setattr(dispatcher, "Candidate", Candidate)
    monkeypatch.setattr(dispatcher, "_act", lambda **_: None)
    monkeypatch.setattr(lost_messages, "mark_lost_messages", mark_lost_messages)
    for name, value in (("TICK_SECONDS", 0.001), ("SWEEP_SECONDS", 0.002), ("LOST_SECONDS", 0.002)):
        monkeypatch.setattr(dispatcher, name, value)
    dispatcher.Dispatcher(stop=stop).run()
    assert looks == [1, 1]


@pytest.mark.behaviour("J1")
def test_a_row_without_a_message_holds_up_no_other(ledger: list[Delivery]) -> None:
    overdue(message="{}")
    overdue(message="not JSON")
    good = overdue()
    assert dispatcher.publish_unpublished() == 1
    assert [one.message.task_id for one in ledger] == [good]


@pytest.mark.usefixtures("ledger")
def test_a_row_that_cannot_be_revoked_does_not_keep_others_from_expiring() -> None:
    past = timezone.now() - timedelta(seconds=1)
    bad, good = overdue(message="[", expires_at=past), overdue(expires_at=past)
    assert idle.expire() == 1
    assert (state_of(bad), state_of(good)) == (State.QUEUED, State.REVOKED)


@pytest.mark.usefixtures("ledger")
def test_a_row_that_cannot_be_brought_back_does_not_keep_others_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = (str(tasks.add.delay(1, 1).id) for _ in range(2))
    for task_id in (bad, good):
        assert claim.claim_job(task_id, attempt=1, task="add")
    Job.objects.filter(id=bad).update(message="[", times_lost=4)
    monkeypatch.setattr(lost, "is_gone", lambda _: True)
    assert lost.recover_lost_children(node.worker_node().id) == 1
    assert (outcomes_of(bad), outcomes_of(good)) == (["STARTED"], ["LOST"])


@pytest.mark.usefixtures("ledger")
def test_a_job_fails_at_last_also_where_its_copy_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """django-celery-results' row is for its pages; the ledger's must come to its end."""
    from celery_uncovered.jobs.results import LedgerBackend  # noqa: PLC0415

    task_id = str(tasks.add.delay(1, 1).id)
    assert claim.claim_job(task_id, attempt=1, task="add")
    Job.objects.filter(id=task_id).update(times_lost=4)
    monkeypatch.setattr(LedgerBackend, "_write_copy", fail)
    assert recovery.bring_back(Job.objects.get(id=task_id), "The worker died.")
    assert (state_of(task_id), outcomes_of(task_id)) == (State.FAILURE, ["FAILURE"])


@pytest.mark.usefixtures("committed_ledger")
def test_a_job_is_back_though_its_next_message_cannot_be_built() -> None:
    """What is committed counts; the message is the dispatcher's."""
    task_id = str(tasks.add.delay(1, 1).id)
    assert claim.claim_job(task_id, attempt=1, task="add")
    Job.objects.filter(id=task_id).update(message="{}")
    assert recovery.bring_back(Job.objects.get(id=task_id), "The worker died.")
    assert state_of(task_id) == State.QUEUED
