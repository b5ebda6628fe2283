"""What jobs say in real workers: in time, by job and attempt, in files and in the ledger."""

import os
import re
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

QUIET = ("--loglevel", "WARNING")
#: The default worker says that it is ready at a level that these do not show.
POOLS = {"prefork": ("--pool", "prefork"), "threads": ("--pool", "threads", "--concurrency", "8")}
PARTS = "SELECT attempt, text FROM jobs_logpart WHERE job_id = %s ORDER BY start"


def start_worker(stack: Stack, *options: str) -> Any:
    return stack.start("worker", *QUIET, *options, wait=False)


def log_of(stack: Stack, task_id: str) -> list[tuple[int, str]]:
    """Attempts and lines, without their times."""
    return [
        (attempt, line if line.startswith(" ") else line.partition(" ")[2])
        for attempt, text in stack.query(PARTS, [task_id])
        for line in text.splitlines()
    ]


def lines_of(stack: Stack, task_id: str) -> list[str]:
    return [line for _, line in log_of(stack, task_id)]


def files_of(ledger: Ledger, task: Any) -> list[Path]:
    return sorted((ledger.data / "log/tasks").glob(f"{task.name}.log*"))


@pytest.mark.parametrize("pool", POOLS)
def test_what_a_job_says_shows_while_it_runs(stack: Stack, ledger: Ledger, pool: str) -> None:
    worker = start_worker(stack, *POOLS[pool])
    task_id = ledger.submit(tasks.say_at, "gate")
    before = ["INFO before", "STDOUT before"]
    stack.wait_for(lambda: lines_of(stack, task_id) == before, 40, "its first lines are there")
    ledger.open("gate")
    assert ledger.wait_until_final(task_id).state == "SUCCESS"
    assert lines_of(stack, task_id) == [*before, "INFO behind", "STDOUT behind"]
    (file,) = files_of(ledger, tasks.say_at)
    assert [line.split()[1:] for line in file.read_text().splitlines()] == [
        [level, task_id, "1", word] for word in ("before", "behind") for level in ("INFO", "STDOUT")
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    console = worker.log.read_text()
    assert len(re.findall(r"celery\.redirected.*before", console)) == 1, "as it was printed before"
    assert "INFO" not in console


def test_what_small_jobs_say_in_a_batch_is_each_ones_own(stack: Stack, ledger: Ledger) -> None:
    ids = [ledger.submit(tasks.say, f"words of {number}") for number in range(100)]
    assert ledger.messages() == 100
    start_worker(stack)
    for number, task_id in enumerate(ids):
        assert ledger.wait_until_final(task_id).state == "SUCCESS"
        expected = [f"INFO words of {number}", f"STDOUT words of {number}"]
        assert lines_of(stack, task_id) == expected
    (file,) = files_of(ledger, tasks.say)
    assert len(file.read_text().splitlines()) == 200


def test_jobs_in_threads_do_not_mix(stack: Stack, ledger: Ledger) -> None:
    start_worker(stack, *POOLS["threads"])
    ids = {
        name: ledger.submit(tasks.count_aloud, name, 300) for name in ("aa", "bb", "cc", "dd", "ee")
    }
    for name, task_id in ids.items():
        assert ledger.wait_until_final(task_id).state == "SUCCESS"
        assert lines_of(stack, task_id) == [f"STDOUT {name} {number}" for number in range(300)]


def test_a_killed_process_leaves_every_line_in_the_file(stack: Stack, ledger: Ledger) -> None:
    stack.env["JOBS_LOG_FILE_BYTES"] = "20000"
    stack.start("dispatcher")
    start_worker(stack, "--concurrency", "1")
    task_id = ledger.submit(tasks.count_and_die, 500)
    assert ledger.wait_until_final(task_id).state == "SUCCESS"
    written = [
        line.split()[1:] for file in files_of(ledger, tasks.count_and_die) for line in file.open()
    ]
    counted = [int(words[-1]) for words in written if words[0] == "STDOUT"]
    assert sorted(counted) == list(range(500))
    assert len(files_of(ledger, tasks.count_and_die)) > 1, "it rotated"
    assert ["INFO", task_id, "2", "attempt", "2"] in written
    assert log_of(stack, task_id)[-1] == (2, "INFO attempt 2")


def test_bytes_of_every_kind_do_no_harm(stack: Stack, ledger: Ledger) -> None:
    start_worker(stack, "--concurrency", "1")
    said = b"NUL \0 colour \x1b[31mred\x1b[0m title \x1b]0;gone\x07 latin caf\xe9"
    task_id = ledger.submit(tasks.say_bytes, said.hex())
    job = ledger.wait_until_final(task_id)
    assert job.state == "SUCCESS", job.error
    shown = "NUL \ufffd colour red title  latin caf\\udce9"
    assert lines_of(stack, task_id) == [f"INFO {shown}", f"STDOUT {shown}"]
    (file,) = files_of(ledger, tasks.say_bytes)
    assert file.read_text().count(shown) == 2


@pytest.mark.behaviour("J13")
def test_a_job_that_talks_without_end_is_bounded_and_ends_at_its_soft_limit(
    stack: Stack, ledger: Ledger
) -> None:
    """The limit comes in the midst of a line, more likely than not."""
    stack.env |= {
        "JOBS_LOG_MAX_BYTES": "65536",
        "JOBS_LOG_FILE_BYTES": "100000",
        "JOBS_LOG_FILES": "2",
    }
    start_worker(stack, "--concurrency", "2")
    ids = [ledger.submit(tasks.talk_for_ever, soft_time_limit=2, time_limit=60) for _ in range(2)]
    for task_id in ids:
        job = ledger.wait_until_final(task_id)
        assert (job.state, job.error_type) == ("FAILURE", "SoftTimeLimitExceeded")
        lines = lines_of(stack, task_id)
        assert lines[:2] == ["INFO a line of many", "    a line of many"]
        assert sum(line.startswith("ERROR Traceback") for line in lines) == 1
        assert "SoftTimeLimitExceeded" in lines[-1]
        rows = stack.query("SELECT text FROM jobs_logpart WHERE job_id = %s", [task_id])
        assert sum(len(text) for (text,) in rows) <= 65536
    files = files_of(ledger, tasks.talk_for_ever)
    # One is missing where the limit came while they were moved.
    assert 2 <= len(files) <= 3
    # The other process goes on meanwhile, for a moment.
    assert max(file.stat().st_size for file in files) < 500_000


def test_what_ended_long_ago_goes_with_its_log(stack: Stack, ledger: Ledger) -> None:
    start_worker(stack, "--concurrency", "1")
    old = ledger.submit(tasks.say, "old")
    ledger.wait_until_final(old)
    stack.call("tests.integration.jobs.helpers:grow_old", 31)
    young = ledger.submit(tasks.say, "young")
    ledger.wait_until_final(young)
    (file,) = files_of(ledger, tasks.say)
    aside = file.with_name(f"{file.name}.1")
    aside.write_bytes(file.read_bytes())
    month_ago = time.time() - 31 * 86_400
    os.utime(aside, (month_ago, month_ago))
    printed = stack.manage("purge_jobs").stdout
    assert re.search(r"1 log parts removed", printed), printed
    assert re.search(r"1 log files removed", printed), printed
    assert lines_of(stack, old) == []
    assert lines_of(stack, young) == ["INFO young", "STDOUT young"]
    assert files_of(ledger, tasks.say) == [file]
