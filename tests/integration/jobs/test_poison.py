"""A job that kills its worker each time is not tried for ever, and holds up nobody for long."""

import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

LIMIT = 5
SENTENCE = f"The worker died {LIMIT} times while it ran this job."


@pytest.mark.behaviour("J9")
def test_a_job_that_kills_its_worker_each_time_becomes_a_dead_letter(
    stack: Stack, ledger: Ledger
) -> None:
    """Both ways: it takes its own process with it, or the whole worker, which is started again."""
    stack.start("dispatcher")
    of_child = ledger.submit(tasks.kill_process)
    of_worker = ledger.submit(tasks.kill_worker)
    behind = [ledger.submit(tasks.leave_note, f"behind {number}") for number in range(5)]
    poison = {of_child, of_worker}
    worker = stack.start("worker", "--concurrency", "1", wait=False)

    def all_ended() -> bool:
        nonlocal worker
        if not worker.is_running:
            worker = stack.start("worker", "--concurrency", "1", wait=False)
        jobs = [ledger.job(task_id) for task_id in (*poison, *behind)]
        return all(job and job.state in {"SUCCESS", "FAILURE"} for job in jobs)

    stack.wait_for(all_ended, 120, "the poison ended, and the jobs behind it")
    for task_id in poison:
        job = ledger.job(task_id)
        assert job
        assert (job.state, job.error) == ("FAILURE", SENTENCE)
        attempts = ledger.attempts(task_id)
        assert [attempt.number for attempt in attempts] == list(range(1, job.attempt + 1))
        assert {attempt.outcome for attempt in attempts[:-1]} == {"LOST"}
        assert attempts[-1].outcome == "FAILURE"
        copy = ledger.copy(task_id)
        assert copy
        assert copy[0] == "FAILURE"
    for number, task_id in enumerate(behind):
        assert ledger.wait_until_final(task_id).state == "SUCCESS"
        assert ledger.notes().count(f"behind {number}") == 1
    # Each by its own doing alone.
    noted = ledger.notes()
    assert noted.count("kills its process") == noted.count("kills its worker") == LIMIT
    # No message of theirs is left to come again.
    ledger.drain()
    assert ledger.messages() == 0
