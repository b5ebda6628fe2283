"""What a submit promises: a row and a message with the commit, neither of them without."""

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

DIE_AFTER_THE_COMMIT = """
from tests.integration.jobs import helpers
helpers.die_after_the_commit("died")
"""
#: JOBS_MAX_BODY_BYTES
LIMIT = 8 * 1024 * 1024
BY_BEAT = """SELECT count(*) FROM jobs_job WHERE body LIKE '[["beat"]%%'"""


@pytest.mark.behaviour("J1")
def test_a_rolled_back_job_never_runs_and_a_committed_one_outlives_its_process(
    stack: Stack, ledger: Ledger
) -> None:
    rolled_back = stack.call(helpers.submit_and_roll_back, "rolled back")
    assert len(set(rolled_back.values())) == 4
    assert ledger.count() == 0
    assert ledger.messages() == 0

    died = stack.script(DIE_AFTER_THE_COMMIT, check=False)
    assert died.returncode == 9, died.stderr
    assert ledger.count() == 1
    assert ledger.messages() == 0

    ledger.submit(tasks.leave_note, "marker")
    assert ledger.messages() == 1
    stack.start("worker")
    stack.start("dispatcher")
    ledger.wait_for_note("marker")
    ledger.wait_for_note("died")
    ledger.drain()
    assert sorted(ledger.notes()) == ["died", "marker"]


@pytest.mark.behaviour("J3")
def test_the_id_is_known_before_the_commit_and_is_celerys(stack: Stack, ledger: Ledger) -> None:
    submitted = stack.call(helpers.submit_within_a_transaction)
    assert submitted["seen_before"] is False
    assert submitted["state_before"] == "PENDING"
    task_id = submitted["id"]
    job = ledger.job(task_id)
    assert job
    assert job.state == "QUEUED"

    chosen = ledger.submit(tasks.own_id, task_id="chosen-by-the-caller")
    assert chosen == "chosen-by-the-caller"
    stack.start("worker")
    for known in (task_id, chosen):
        assert ledger.wait_until_final(known).state == "SUCCESS"
        result = stack.call(helpers.result_of, known)
        assert (result["state"], result["result"]) == ("SUCCESS", known)


@pytest.mark.behaviour("J5")
def test_what_cannot_become_a_message_is_refused_in_one_sentence(
    stack: Stack, ledger: Ledger
) -> None:
    refusals = stack.call(helpers.refusals, LIMIT)
    kinds = {name: kind for name, (kind, _) in refusals.items()}
    assert kinds == {
        "not JSON": "ArgumentsNotJsonError",
        "not JSON, within": "ArgumentsNotJsonError",
        "NaN": "ArgumentsNotJsonError",
        "infinite": "ArgumentsNotJsonError",
        "too large": "ArgumentsTooLargeError",
        "an argument too many": "ArgumentsMismatchError",
        "an argument missing": "ArgumentsMismatchError",
        "an unknown keyword": "ArgumentsMismatchError",
        "pickle": "SerializerRefusedError",
        "unknown task": "UnknownTaskError",
        "unknown queue": "UnknownQueueError",
        "unknown queue, by Celery": "UnknownQueueError",
        "in a group": "ArgumentsNotJsonError",
    }
    for name, (_, words) in refusals.items():
        assert words.endswith("."), (name, words)
        assert "\n" not in words, (name, words)
    assert f"{LIMIT:,}" in refusals["too large"][1]
    assert '"fast"' in refusals["unknown queue"][1]
    assert "default, io" in refusals["unknown queue"][1]
    assert ledger.count() == 0
    assert ledger.messages() == 0


@pytest.mark.behaviour("J6")
def test_every_way_to_submit_leaves_a_row_before_the_job_runs(stack: Stack, ledger: Ledger) -> None:
    ids = stack.call(helpers.submit_in_every_way)
    for way, task_id in ids.items():
        job = ledger.job(task_id)
        assert job, way
        assert job.state == ("SCHEDULED" if way == "later" else "QUEUED"), way

    stack.call(helpers.schedule_every_second, "beat")
    beat = stack.start("beat")
    stack.wait_for(lambda: stack.query(BY_BEAT)[0][0] >= 2, 60, "beat submitted two jobs")
    assert beat.stop() == 0
    known = ledger.count()

    by_name = stack.call(helpers.send_by_name, tasks.look.name, "send_task")
    job = ledger.job(by_name)
    assert job
    assert job.state == "QUEUED"
    elsewhere = stack.call(helpers.send_from_elsewhere, tasks.look.name, "elsewhere")
    assert ledger.job(elsewhere) is None
    stack.start("worker")
    stack.start("dispatcher")
    labels = [*ids, "link", "chain 2", "chain 3", "chord body", "beat", "send_task", "elsewhere"]
    for label in labels:
        ledger.wait_for_note(f"{label}: STARTED")
    assert {line.rpartition(": ")[2] for line in ledger.notes()} == {"STARTED"}
    # The rest of the chain, the chord's body, the callback, and the two sent by name.
    assert ledger.count() == known + 6
