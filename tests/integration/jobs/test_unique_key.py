"""One job per key, whoever submits it, until that job has ended."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

ROUNDS = 5
#: Seconds.
WINDOW = 1.0


@pytest.mark.behaviour("J4")
def test_two_processes_that_submit_at_the_same_moment_get_the_same_job(
    stack: Stack, ledger: Ledger
) -> None:
    clients = [stack.python("one"), stack.python("two")]
    for client in clients:
        client.call(helpers.import_tasks)
    with ThreadPoolExecutor(len(clients)) as pool:
        for number in range(ROUNDS):
            moment = time.time() + 0.1
            calls = [
                pool.submit(client.call, helpers.submit_at, moment, f"key {number}")
                for client in clients
            ]
            answers = [call.result() for call in calls]
            # Each process submits from two threads.
            assert len({task_id for ids in answers for task_id in ids}) == 1
            assert ledger.count() == number + 1


@pytest.mark.behaviour("J4")
def test_every_final_state_frees_the_key(stack: Stack, ledger: Ledger) -> None:
    stack.start("worker", "--concurrency", "1")
    endings: dict[str, Callable[[], str]] = {
        "SUCCESS": lambda: ledger.submit(tasks.add, 1, 1, unique_key="report"),
        "FAILURE": lambda: ledger.submit(tasks.fail, "out of paper", unique_key="report"),
        "REVOKED": lambda: cancelled(stack, ledger),
        "FAILURE by time limit": lambda: ledger.submit(
            tasks.outlast_the_soft_limit,
            "never",
            unique_key="report",
            soft_time_limit=1,
            time_limit=2,
        ),
        "REVOKED by expiry": lambda: ledger.submit(
            tasks.add, 1, 1, unique_key="report", countdown=600, expires=0.5
        ),
    }
    stack.start("dispatcher")
    seen = set()
    for ending, submit in endings.items():
        task_id = submit()
        assert task_id not in seen, ending
        seen.add(task_id)
        job = ledger.wait_until_final(task_id)
        assert job.state == ending.split()[0]
        assert job.error_type == ("TimeLimitExceeded" if "limit" in ending else job.error_type)

    held = ledger.submit(tasks.hold, "gate", unique_key="report")
    ledger.wait_for_note("gate-1 begins")
    assert ledger.submit(tasks.add, 1, 1, unique_key="report") == held
    ledger.open("gate-1")
    ledger.wait_until_final(held)
    assert ledger.submit(tasks.add, 1, 1, unique_key="report") not in seen | {held}


def cancelled(stack: Stack, ledger: Ledger) -> str:
    task_id = ledger.submit(tasks.add, 1, 1, unique_key="report", countdown=600)
    assert ledger.submit(tasks.add, 1, 1, unique_key="report") == task_id
    assert stack.call(helpers.cancel, task_id)
    return task_id


@pytest.mark.behaviour("J4")
def test_the_key_passes_on_when_its_window_ends_to_one_job_whoever_asks(
    stack: Stack, ledger: Ledger
) -> None:
    clients = [stack.python("one"), stack.python("two")]
    for client in clients:
        client.call(helpers.import_tasks)
    began = time.time()
    first = ledger.submit(tasks.hold, "gate", unique_key="report", unique_for=WINDOW)
    within = ledger.submit(tasks.add, 1, 1, unique_key="report")
    assert within == first or time.time() >= began + WINDOW
    with ThreadPoolExecutor(len(clients)) as pool:
        moment = time.time() + WINDOW
        calls = [
            pool.submit(client.call, helpers.submit_at, moment, "report", unique_for=3600)
            for client in clients
        ]
        ids = {task_id for call in calls for task_id in call.result()}
    assert len(ids) == 1
    assert ids != {first}
    (second,) = ids

    # The first goes on without the key, and its end takes the key from nobody.
    ledger.open("gate-1")
    stack.start("worker", "-Q", "default", "--concurrency", "1")
    assert ledger.wait_until_final(first).state == "SUCCESS"
    assert ledger.wait_until_final(second).state == "SUCCESS"
    assert ledger.submit(tasks.add, 1, 1, unique_key="report") not in {first, second}
