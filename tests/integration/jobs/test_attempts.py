"""Every attempt is recorded, and what a dead worker held runs again."""

import json
import os
import signal
import socket

import pytest

from tests.integration.jobs.ledger import AttemptRow, Ledger
from tests.stacks import Stack
from tests.support.app import tasks


@pytest.mark.behaviour("J11")
def test_every_attempt_is_recorded_with_who_ran_it_and_how_it_ended(
    stack: Stack, ledger: Ledger
) -> None:
    worker = stack.start("worker")
    children = set(worker.children())
    ids = {
        "success": ledger.submit(tasks.add, 1, 2),
        "failure": ledger.submit(tasks.fail, "out of paper"),
        "retry": ledger.submit(tasks.retry_in_vain),
        "replaced": ledger.submit(tasks.be_replaced, 4),
        "lost": ledger.submit(tasks.die_once),
    }
    stack.start("dispatcher")
    ends = {name: ledger.wait_until_final(task_id) for name, task_id in ids.items()}
    attempts = {name: ledger.attempts(task_id) for name, task_id in ids.items()}
    children |= set(worker.children())

    assert outcomes(attempts) == {
        "success": ["SUCCESS"],
        "failure": ["FAILURE"],
        "retry": ["RETRY", "FAILURE"],
        "replaced": ["REPLACED", "SUCCESS"],
        "lost": ["LOST", "SUCCESS"],
    }
    for attempt in (one for several in attempts.values() for one in several):
        assert attempt.started_at <= attempt.ended_at
        assert attempt.host == socket.gethostname()
        assert attempt.pid in children
    for name, several in attempts.items():
        assert [attempt.number for attempt in several] == list(range(1, len(several) + 1)), name

    failed = attempts["failure"][0]
    assert failed.error == ends["failure"].error == "out of paper"
    assert "RuntimeError: out of paper" in failed.traceback
    assert [attempt.error for attempt in attempts["retry"]] == ["never", "never"]
    assert all("in retry_in_vain" in attempt.traceback for attempt in attempts["retry"])
    assert [short(attempt.task) for attempt in attempts["replaced"]] == ["be_replaced", "add"]
    assert attempts["lost"][0].error == "The worker process died."
    assert attempts["lost"][0].pid != attempts["lost"][1].pid
    assert json.loads(ends["lost"].result or "") == "attempt 2"
    assert json.loads(ends["replaced"].result or "") == 8


@pytest.mark.behaviour("J11")
def test_a_job_outlives_the_kill_of_its_child_and_of_its_worker(
    stack: Stack, ledger: Ledger
) -> None:
    stack.start("dispatcher")
    worker = stack.start("worker")
    by_child, by_name = ledger.submit(tasks.hold, "child"), send_by_name(stack, "named")
    for gate in ("child", "named"):
        ledger.wait_for_note(f"{gate}-1 begins")
    for task_id in (by_child, by_name):
        os.kill(ledger.attempts(task_id)[0].pid, signal.SIGKILL)
        ledger.wait_for_state(task_id, "QUEUED", "STARTED")
    for gate in ("child", "named"):
        ledger.wait_for_note(f"{gate}-2 begins")

    worker.kill()
    stack.start("worker")
    for gate, task_id in (("child", by_child), ("named", by_name)):
        ledger.open(f"{gate}-3")
        job = ledger.wait_until_final(task_id)
        assert (job.state, job.result) == ("SUCCESS", '"attempt 3"')
        ends = [attempt.outcome for attempt in ledger.attempts(task_id)]
        assert ends == ["LOST", "LOST", "SUCCESS"]


def send_by_name(stack: Stack, gate: str) -> str:
    return str(stack.call("tests.integration.jobs.helpers:send_hold_by_name", gate))


def outcomes(attempts: dict[str, list[AttemptRow]]) -> dict[str, list[str]]:
    return {name: [attempt.outcome for attempt in several] for name, several in attempts.items()}


def short(task: str) -> str:
    return task.rpartition(".")[2]
