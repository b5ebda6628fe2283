"""A worker that is told to end soon: what ends in time counts, the rest runs elsewhere."""

import signal
import time

import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

#: Seconds that jobs have left, and what the end may take on top.
SOFT, MARGIN = 2.0, 20.0


@pytest.mark.behaviour("J12")
def test_a_job_that_outlasts_a_soft_shutdown_runs_elsewhere(stack: Stack, ledger: Ledger) -> None:
    """SIGQUIT, as compose sends it: the one that ends in time is not run again."""
    stack.env |= {"SOFT_SHUTDOWN_SECONDS": str(SOFT)}
    quick, slow = (ledger.submit(tasks.hold, gate) for gate in ("quick", "slow"))
    first = stack.start("worker", "--concurrency", "2")
    for gate in ("quick", "slow"):
        ledger.wait_for_note(f"{gate}-1 begins")
    began = time.monotonic()
    first.signal(signal.SIGQUIT)
    ledger.open("quick-1")
    first.wait(SOFT + MARGIN)
    assert time.monotonic() - began >= SOFT
    stack.start("dispatcher")
    stack.start("worker")
    ledger.open("slow-2")
    assert ledger.wait_until_final(slow, timeout=60).state == "SUCCESS"
    assert [attempt.outcome for attempt in ledger.attempts(slow)] == ["LOST", "SUCCESS"]
    assert [attempt.outcome for attempt in ledger.attempts(quick)] == ["SUCCESS"]
