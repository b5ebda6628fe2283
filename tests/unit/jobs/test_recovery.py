"""What dead workers held is queued again, a limited number of times; what lives is left alone."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from celery_uncovered.jobs import node, outbox, recovery
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job, Node
from celery_uncovered.jobs.node import Identity
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import claim, heartbeat, lost
from tests.support.app import tasks
from tests.unit.jobs.running import outcomes_of, run_all, state_of

pytestmark = pytest.mark.usefixtures("ledger")

ELSEWHERE = Identity(host="elsewhere", boot_id="b", pid=1, process_start="1")


def ended_process() -> Identity:
    """A process of this host that was there and is gone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return node.identify(process.pid)


def claimed_by(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(node, "_worker", identity)
    heartbeat.beat(identity, "worker")
    task_id = str(tasks.add.delay(1, 1).id)
    assert claim.claim_job(task_id, attempt=1, task="add")
    return task_id


def age(identity: Identity, seconds: float) -> None:
    then = timezone.now() - timedelta(seconds=seconds)
    Node.objects.filter(id=identity.id).update(beat_at=then)


def test_the_jobs_of_a_process_that_is_gone_are_queued_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dead = ended_process()
    task_id = claimed_by(dead, monkeypatch)
    assert recovery.recover_dead_nodes() == 1
    assert state_of(task_id) == State.QUEUED
    assert not Node.objects.exists()
    assert run_all() == ["add"]
    assert outcomes_of(task_id) == ["LOST", "SUCCESS"]


def test_a_node_elsewhere_is_given_up_when_its_lease_has_run_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task_id = claimed_by(ELSEWHERE, monkeypatch)
    age(ELSEWHERE, settings.JOBS_LEASE_SECONDS - 5)
    assert recovery.recover_dead_nodes() == 0
    assert state_of(task_id) == State.STARTED
    age(ELSEWHERE, settings.JOBS_LEASE_SECONDS + 1)
    assert recovery.recover_dead_nodes() == 1
    assert state_of(task_id) == State.QUEUED


def test_a_worker_that_lives_keeps_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = claimed_by(node.identify(), monkeypatch)
    assert recovery.recover_dead_nodes() == 0
    assert lost.recover_lost_children(node.identify().id) == 0
    assert state_of(task_id) == State.STARTED


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_worker_whose_clock_is_wrong_keeps_its_jobs(
    minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats are written and judged by the database's clock."""
    task_id = claimed_by(ELSEWHERE, monkeypatch)
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        heartbeat.beat(ELSEWHERE, "worker")
    assert recovery.recover_dead_nodes() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        assert recovery.recover_dead_nodes() == 0
    assert state_of(task_id) == State.STARTED


def test_a_lease_whose_node_has_no_row_is_given_back_after_the_lease_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task_id = claimed_by(ELSEWHERE, monkeypatch)
    Node.objects.all().delete()
    assert recovery.recover_dead_nodes() == 0
    long_ago = timezone.now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS + 1)
    Job.objects.filter(id=task_id).update(started_at=long_ago)
    assert recovery.recover_dead_nodes() == 1
    assert state_of(task_id) == State.QUEUED


def test_the_job_of_a_lost_child_comes_back_while_its_worker_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = node.identify()
    gone, kept = claimed_by(worker, monkeypatch), claimed_by(worker, monkeypatch)
    Job.objects.filter(id=gone).update(lease_pid=ended_process().pid)
    assert lost.recover_lost_children(worker.id) == 1
    assert (state_of(gone), state_of(kept)) == (State.QUEUED, State.STARTED)
    assert Job.objects.get(id=kept).lease_pid == os.getpid()


def test_a_job_that_takes_five_workers_with_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = ended_process()
    task_id = claimed_by(dead, monkeypatch)
    for attempt in range(2, recovery.MAX_LOST + 1):
        assert recovery.recover_dead_nodes() == 1
        heartbeat.beat(dead, "worker")
        assert claim.claim_job(task_id, attempt=attempt, task="add")
    assert recovery.recover_dead_nodes() == 1
    job = Job.objects.get(id=task_id)
    assert (job.state, job.attempt) == (State.FAILURE, recovery.MAX_LOST)
    assert job.error == "The worker died 5 times while it ran this job."
    assert outcomes_of(task_id) == ["LOST"] * 4 + ["FAILURE"]


def test_a_job_that_is_back_is_sent_for_its_next_attempt(
    monkeypatch: pytest.MonkeyPatch,
    ledger: list[Delivery],
    django_capture_on_commit_callbacks: Any,
) -> None:
    task_id = claimed_by(ended_process(), monkeypatch)
    with django_capture_on_commit_callbacks(execute=True):
        recovery.recover_dead_nodes()
    outbox.publisher().flush()
    assert [(one.message.task_id, one.attempt) for one in ledger] == [(task_id, 2)]
