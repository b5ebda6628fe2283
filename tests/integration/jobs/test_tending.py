"""Failed jobs are retried from the command line and run again; what ended long ago is purged."""

from pathlib import Path

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

FAILED = "SELECT count(*) FROM jobs_job WHERE state = 'FAILURE' AND discarded_at IS NULL"


def test_failed_jobs_are_retried_by_filter_and_run_once_each(stack: Stack, ledger: Ledger) -> None:
    stack.start("worker")
    ids = [ledger.submit(tasks.succeed_when_open, "mended") for _ in range(7)]
    other = ledger.submit(tasks.fail, "for good")
    for task_id in [*ids, other]:
        assert ledger.wait_until_final(task_id).state == "FAILURE"
    task = tasks.succeed_when_open.name
    dry = stack.manage("jobs", "retry", "--task", task, "--dry-run").stdout
    assert dry == "7 dead letters would be taken; nothing is changed.\n"

    ledger.open("mended")
    done = stack.manage("jobs", "retry", "--task", task, "--since", "10m").stdout
    assert done == "7 dead letters: queued again.\n"
    stack.start("dispatcher")
    for task_id in ids:
        ended = ledger.wait_until_final(task_id)
        assert (ended.state, ended.result, ended.error) == ("SUCCESS", '"attempt 2"', "")
        outcomes = [attempt.outcome for attempt in ledger.attempts(task_id)]
        assert outcomes == ["FAILURE", "SUCCESS"]
        copy = ledger.copy(task_id)
        assert copy
        assert copy[0] == "SUCCESS"
    assert stack.manage("jobs", "discard", other).stdout == f"Job {other} is discarded.\n"
    assert stack.query(FAILED) == [(0,)]


def test_what_ended_long_ago_is_purged_as_the_dry_run_said(stack: Stack, ledger: Ledger) -> None:
    stack.start("worker")
    parts = stack.call(helpers.chord_of, "held", "done")
    ledger.open("held-1")
    assert ledger.wait_until_final(parts["held"]).state == "SUCCESS"
    stack.wait_for(lambda: ledger.job(parts["callback"]), 40, "the callback is submitted")
    assert ledger.wait_until_final(parts["callback"]).state == "SUCCESS"
    file = ledger.submit(tasks.write_file, 10, 100_000_000)
    failed = ledger.submit(tasks.fail, "for good")
    for task_id in (file, failed):
        ledger.wait_until_final(task_id)
    stack.call(helpers.grow_old, 100)
    young = ledger.submit(tasks.add, 1, 1)
    ledger.wait_until_final(young)
    artifacts = Path(stack.env["DATA_DIR"], "artifacts")
    assert [path for path in artifacts.rglob("*") if path.is_file()]

    dry = stack.manage("purge_jobs", "--dry-run").stdout
    assert ledger.count() == 6
    done = stack.manage("purge_jobs").stdout
    assert done == dry.replace("would go", "removed")
    counts = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in done.splitlines()}
    assert counts == {
        "jobs removed": 4,
        "attempts removed": 4,
        "log parts removed": 0,
        "results removed": 4,
        "artifacts removed": 1,
        "orphan files removed": 0,
        "chords removed": 1,
        "readers removed": 0,
        "log files removed": 0,
        "occurrences removed": 0,
    }
    left = {row[0] for row in stack.query("SELECT id FROM jobs_job")}
    assert left == {failed, young}
    assert [path for path in artifacts.rglob("*") if path.is_file()] == []
