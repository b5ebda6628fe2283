"""An expired job is never run, and its row says so."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

EXPIRED = "The job expired before it could start."


@pytest.mark.behaviour("J15")
def test_a_job_that_waited_too_long_is_not_run_when_a_worker_gets_its_message(
    stack: Stack, ledger: Ledger
) -> None:
    """Without a dispatcher: the claim itself looks at the time."""
    task_id = ledger.submit(tasks.leave_note, "too late", expires=0.5)
    expires = datetime.now(tz=UTC) + timedelta(seconds=0.5)
    in_time = ledger.submit(tasks.leave_note, "in time", expires=600)
    assert ledger.messages() == 2
    stack.wait_for(lambda: datetime.now(tz=UTC) > expires, 5, "the first job has expired")

    stack.start("worker")
    job = ledger.wait_until_final(task_id)
    assert (job.state, job.error) == ("REVOKED", EXPIRED)
    assert ledger.wait_until_final(in_time).state == "SUCCESS"
    assert ledger.notes() == ["in time"]
    assert ledger.attempts(task_id) == []
    assert stack.call(helpers.result_of, task_id)["state"] == "REVOKED"


@pytest.mark.behaviour("J15")
def test_the_dispatcher_revokes_what_expires_while_it_waits(stack: Stack, ledger: Ledger) -> None:
    """Without a worker, then with one, for the chord whose part expired."""
    queued = ledger.submit(tasks.leave_note, "queued", expires=0.5)
    scheduled = ledger.submit(tasks.leave_note, "scheduled", countdown=600, expires=0.5)
    family = stack.call(helpers.submit_with_children, 0.5)
    stack.start("dispatcher")
    for task_id in (queued, scheduled, family["late"]):
        job = ledger.wait_until_final(task_id)
        assert (job.state, job.error) == ("REVOKED", EXPIRED)

    stack.start("worker")
    callback = ledger.wait_until_final(family["callback"])
    assert callback.state == "FAILURE"
    assert callback.error == f"Part {family['late']} failed: {EXPIRED}"
    ledger.wait_for_note("errback")
    ledger.drain()
    assert ledger.notes() == ["errback"]
