"""Which workers are alive, and what they say of themselves."""

import pytest

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import node
from celery_uncovered.jobs.models import Node
from celery_uncovered.jobs.worker import heartbeat
from tests.unit.jobs.test_recovery import ELSEWHERE, age, claimed_by, ended_process

pytestmark = pytest.mark.usefixtures("ledger")


def test_a_worker_lives_while_it_beats_and_says_which_queues_it_takes_from() -> None:
    heartbeat.beat(ELSEWHERE, "worker1@elsewhere", ["mail", "io"])
    (worker,) = jobs.live_workers()
    assert (worker.name, worker.host, worker.queues) == (
        "worker1@elsewhere",
        "elsewhere",
        ("io", "mail"),
    )
    assert worker.takes_from("io")
    assert not worker.takes_from("default")
    heartbeat.beat(ELSEWHERE, "worker1@elsewhere", [])
    assert not jobs.live_workers()[0].takes_from("io")
    age(ELSEWHERE, 31)
    assert jobs.live_workers() == []


def test_a_worker_that_does_not_say_may_take_from_any() -> None:
    heartbeat.beat(ELSEWHERE, "worker of an older version")
    (worker,) = jobs.live_workers()
    assert worker.queues is None
    assert worker.takes_from("any")


def test_a_process_of_this_host_that_is_gone_is_not_alive_however_lately_it_beat() -> None:
    heartbeat.beat(ended_process(), "gone")
    assert jobs.live_workers() == []
    heartbeat.beat(node.identify(), "this one")
    assert [worker.name for worker in jobs.live_workers()] == ["this one"]


def test_the_queues_are_those_that_the_worker_takes_from_now() -> None:
    assert set(heartbeat._queues()) >= {"default", "io"}


def test_a_job_is_held_while_the_worker_that_executes_it_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task_id = claimed_by(ELSEWHERE, monkeypatch)
    assert jobs.has_live_worker(task_id)
    age(ELSEWHERE, 31)
    assert not jobs.has_live_worker(task_id)
    assert not jobs.has_live_worker("nothing")
    Node.objects.all().delete()
    assert not jobs.has_live_worker(task_id)
