"""A message may come twice, and a worker may come back from the dead: the job is run once."""

import os
import signal

import pytest

from tests.integration.jobs import broker
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Running, Stack
from tests.support.app import tasks

LEASE = 8


@pytest.mark.behaviour("J8")
def test_a_message_that_is_delivered_again_and_again_runs_its_job_once(
    stack: Stack, ledger: Ledger
) -> None:
    task_id = ledger.submit(tasks.hold, "gate")
    assert ledger.messages() == 1
    message = stack.call(broker.take_messages, "default")
    stack.call(broker.put_messages, message * 3)
    assert ledger.messages() == 3

    stack.start("worker")
    ledger.wait_for_note("gate-1 begins")
    # The worker's other child gets through the copies.
    ledger.drain()
    assert ledger.notes() == ["gate-1 begins"]
    ledger.open("gate-1")
    assert ledger.wait_until_final(task_id).result == '"attempt 1"'
    before = (ledger.job(task_id), ledger.attempts(task_id), ledger.copy(task_id))

    stack.call(broker.put_messages, message * 3)
    ledger.drain()
    assert ledger.notes() == ["gate-1 begins", "gate-1 ends"]
    assert (ledger.job(task_id), ledger.attempts(task_id), ledger.copy(task_id)) == before
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["SUCCESS"]
    assert ledger.messages() == 0


@pytest.mark.behaviour("J8")
def test_a_worker_that_wakes_after_its_lease_cannot_change_the_job(
    stack: Stack, ledger: Ledger
) -> None:
    stack.env["JOBS_LEASE_SECONDS"] = str(LEASE)
    sleeper = stack.start("worker", "--concurrency", "1")
    task_id = ledger.submit(tasks.hold, "gate")
    ledger.wait_for_note("gate-1 begins")
    send_all(sleeper, signal.SIGSTOP)
    other = stack.start("worker", "--concurrency", "1")
    stack.start("dispatcher")
    ledger.wait_for_note("gate-2 begins")
    before = (ledger.job(task_id), ledger.attempts(task_id), ledger.copy(task_id))
    assert [attempt.outcome for attempt in before[1]] == ["LOST", "STARTED"]
    assert before[1][1].pid in other.children()

    ledger.open("gate-1")
    send_all(sleeper, signal.SIGCONT)
    ledger.wait_for_note("gate-1 ends")
    # The other worker's only child is busy: the sleeper takes this once it is through with its old job.
    ledger.drain()
    assert (ledger.job(task_id), ledger.attempts(task_id), ledger.copy(task_id)) == before

    ledger.open("gate-2")
    job = ledger.wait_until_final(task_id)
    assert (job.state, job.result) == ("SUCCESS", '"attempt 2"')
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["LOST", "SUCCESS"]
    assert sleeper.is_running


def send_all(worker: Running, number: signal.Signals) -> None:
    """To the worker and its children; the main process first, so that it sees none of them stop."""
    for pid in (worker.pid, *worker.children()):
        os.kill(pid, number)
