"""What the broker loses after it has confirmed it is sent again."""

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

#: The dispatcher asks the broker twice a minute.
PATIENCE = 90.0


@pytest.mark.behaviour("J1")
def test_a_job_whose_message_the_broker_lost_runs_all_the_same(
    stack: Stack, ledger: Ledger
) -> None:
    task_id = ledger.submit(tasks.add, 1, 1)
    ledger.wait_until_sent(task_id)
    assert ledger.messages() == 1
    assert stack.call(helpers.lose_messages, "default", minutes=10) == 1
    assert ledger.messages() == 0

    stack.start("dispatcher")
    stack.start("worker")
    done = ledger.wait_until_final(task_id, timeout=PATIENCE)
    assert (done.state, done.result) == ("SUCCESS", "2")
    assert [attempt.outcome for attempt in ledger.attempts(task_id)] == ["SUCCESS"]
