"""A retry waits in the ledger: no worker and no broker holds it."""

import json
import signal

import pytest

from tests.integration.jobs import broker, helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Running, Stack
from tests.support.app import tasks

COUNTDOWN = 10.0


@pytest.mark.behaviour("J10")
def test_a_retry_waits_in_the_ledger_over_a_restart_of_everything(
    stack: Stack, ledger: Ledger
) -> None:
    task_id = ledger.submit(tasks.retry_once, COUNTDOWN)
    processes = [stack.start("worker", "--concurrency", "1"), stack.start("dispatcher")]
    waiting = ledger.wait_for_state(task_id, "RETRY")
    assert waiting.lease_node is None
    assert waiting.published_at is None
    assert waiting.due_at is not None
    assert waiting.error == "not yet"
    # The worker's only child is free, and the job did not fall due meanwhile.
    ledger.drain()
    still = ledger.job(task_id)
    assert still == waiting

    for process in processes:
        kill_all(process)
    # What the killed worker held unacknowledged would be back in its queue.
    left = stack.call(broker.take_messages, "default")
    assert task_id not in {message["headers"]["id"] for message in left}
    assert ledger.job(task_id) == waiting

    stack.start("worker")
    stack.start("dispatcher")
    done = ledger.wait_until_final(task_id)
    assert done.state == "SUCCESS"
    assert json.loads(done.result or "") == "attempt 2"
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["RETRY", "SUCCESS"]
    assert stack.call(helpers.waited_between_attempts, task_id) >= COUNTDOWN


def kill_all(process: Running) -> None:
    """SIGKILL the process and its children at once, as a power cut would."""
    process.end_signal = signal.SIGKILL
    process.end()
