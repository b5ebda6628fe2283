"""A disk that is full in the middle of a file: one sentence, no half file, and the job is not lost."""

import pytest

from celery_uncovered.jobs.messages import LARGEST_SENT
from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

ROOM = 1_000_000


@pytest.mark.behaviour("J24")
def test_an_artifact_that_finds_no_room_fails_its_attempt_and_leaves_no_file(
    stack: Stack, ledger: Ledger
) -> None:
    too_big = ledger.submit(tasks.write_file, 2 * ROOM, ROOM)
    fitting = ledger.submit(tasks.write_file, ROOM // 2, ROOM)
    stack.start("worker")
    job = ledger.wait_until_final(too_big)
    assert job.state == "FAILURE"
    assert job.error == 'The file "file.bin" could not be saved: File too large.'
    assert [attempt.error for attempt in ledger.attempts(too_big)] == [job.error]
    assert ledger.wait_until_final(fitting).state == "SUCCESS"

    served = stack.query("SELECT job_id, size FROM jobs_artifact")
    assert served == [(fitting, ROOM // 2)]
    kept = [path for path in (ledger.data / "artifacts").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in kept] == [ROOM // 2]


@pytest.mark.behaviour("J24")
def test_a_message_file_that_finds_no_room_is_sent_by_the_dispatcher_later(
    embedded_stack: Stack,
) -> None:
    stack, ledger = embedded_stack, Ledger(embedded_stack)
    assert ledger.messages() == 0
    # Small enough to travel with its message, and more than there is room for.
    text = "x" * (LARGEST_SENT // 4)
    submitted = stack.call(helpers.submit_with_little_room, text, LARGEST_SENT // 4)
    assert submitted["tried"] is True
    job = ledger.job(submitted["id"])
    assert job
    assert (job.state, job.published_at) == ("QUEUED", None)
    broker = ledger.data / "broker"
    assert [
        path for path in broker.rglob("*") if path.is_file() and path.stat().st_size > 4096
    ] == []
    assert ledger.messages() == 0

    stack.start("worker")
    stack.start("dispatcher")
    assert ledger.wait_until_final(submitted["id"]).state == "SUCCESS"
