"""What a killed worker held runs again: at once where it can be seen, else after the lease time."""

import os
import signal
import time

import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

LEASE = 8.0
#: For the dispatcher, which looks every second, to see it, and for the job to be sent and claimed again.
NOTICED = 20.0
ELSEWHERE = "UPDATE jobs_node SET host = 'another', boot_id = 'another' WHERE pid = %s"


@pytest.mark.behaviour("J7")
def test_a_killed_child_and_a_killed_worker_lose_no_job(stack: Stack, ledger: Ledger) -> None:
    """On the dispatcher's own host, well before the lease time has passed."""
    stack.start("dispatcher")
    worker = stack.start("worker")
    held = [ledger.submit(tasks.hold, gate) for gate in ("one", "two")]
    behind = [ledger.submit(tasks.leave_note, f"behind {number}") for number in range(8)]
    for gate in ("one", "two"):
        ledger.wait_for_note(f"{gate}-1 begins")
    killed_at = time.monotonic()
    for task_id in held:
        os.kill(ledger.attempts(task_id)[0].pid, signal.SIGKILL)
    for gate in ("one", "two"):
        ledger.wait_for_note(f"{gate}-2 begins")
    assert time.monotonic() - killed_at < 30

    other = stack.start("worker")
    killed_at = time.monotonic()
    worker.kill()
    for gate in ("one", "two"):
        ledger.wait_for_note(f"{gate}-3 begins")
        ledger.open(f"{gate}-3")
    assert time.monotonic() - killed_at < 30
    for task_id in (*held, *behind):
        assert ledger.wait_until_final(task_id).state == "SUCCESS"
    children = other.children()
    for task_id in held:
        attempts = ledger.attempts(task_id)
        assert [attempt.outcome for attempt in attempts] == ["LOST", "LOST", "SUCCESS"]
        assert attempts[-1].pid in children
    noted = [line for line in ledger.notes() if line.startswith("behind")]
    assert sorted(noted) == [f"behind {number}" for number in range(8)]


@pytest.mark.behaviour("J7")
def test_the_jobs_of_a_host_that_is_gone_run_again_after_the_lease(
    stack: Stack, ledger: Ledger
) -> None:
    """Where nobody can look for the process, its silence decides."""
    stack.env["JOBS_LEASE_SECONDS"] = f"{LEASE:.0f}"
    worker = stack.start("worker", "--concurrency", "1")
    task_id = ledger.submit(tasks.hold, "gate")
    ledger.wait_for_note("gate-1 begins")
    stack.start("worker", "--concurrency", "1")
    worker.kill()
    killed_at = time.monotonic()
    stack.query(ELSEWHERE, [worker.pid])
    # It has never seen the worker but as one of a host that is not its own.
    stack.start("dispatcher")
    ledger.wait_for_note("gate-2 begins")
    waited = time.monotonic() - killed_at
    # It may have beaten a quarter of the lease before it was killed.
    assert LEASE * 0.75 - 1 < waited < LEASE + NOTICED
    ledger.open("gate-2")
    job = ledger.wait_until_final(task_id)
    assert (job.state, job.result) == ("SUCCESS", '"attempt 2"')
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["LOST", "SUCCESS"]
