"""The log of a job in the ledger: bounded, in order, in time, and gone with its job."""

import logging
import os
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.jobs import patience
from celery_uncovered.jobs.current import RunningAttempt, running
from celery_uncovered.jobs.models import Job, LogPart
from celery_uncovered.jobs.retention import Purge
from celery_uncovered.jobs.task_log import recorder, store, writer
from celery_uncovered.jobs.task_log.pending import LARGEST_ROW
from celery_uncovered.jobs.task_log.tail import read_log
from celery_uncovered.jobs.task_log.writer import Writer
from celery_uncovered.jobs.worker import batch
from celery_uncovered.jobs.worker import board as boards
from celery_uncovered.jobs.worker.batch import Entry, perform_batch
from celery_uncovered.jobs.worker.board import Board
from tests.servers.processes import wait_for
from tests.support.app import tasks
from tests.unit.jobs.running import become_a_worker, run_job
from tests.unit.jobs.task_log import talking_tasks
from tests.unit.jobs.task_log.help import attempt_at, heard_streams, said, stored
from tests.unit.jobs.web.help import make_job

pytestmark = pytest.mark.usefixtures("committed_ledger", "folder")


def say(attempt: RunningAttempt, *texts: str) -> None:
    for text in texts:
        recorder.record(attempt, "INFO", lambda text=text: text)  # type: ignore[misc]  # bound now


# --- bounds ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("limit", [0, 100, 5_000, 64 * 1024])
def test_no_more_is_kept_than_was_said(
    fresh_writer: Writer, settings: Settings, limit: int
) -> None:
    """Whatever the lines are like: long, short, or of letters that take more than one byte."""
    settings.JOBS_LOG_MAX_BYTES = limit
    for number in (1, 2, 3):
        attempt = attempt_at("job", number)
        for word in ("x", "ü" * 3_000, "", "word " * 50) * 30:
            say(attempt, word)
            recorder.write_all()
        recorder.end(attempt)
        assert len(stored("job").encode()) <= limit
    log = read_log("job")
    kept = sum(len(piece.text.encode()) for piece in log.pieces)
    assert kept + sum(piece.left_out for piece in log.pieces) == log.next_offset


@pytest.mark.parametrize("writes", [1, 200], ids=["at once", "bit by bit"])
def test_the_first_and_the_last_lines_are_kept_and_the_middle_is_counted(
    fresh_writer: Writer, settings: Settings, writes: int
) -> None:
    settings.JOBS_LOG_MAX_BYTES = 64 * 1024
    many = 20_000
    attempt = attempt_at("job")
    for number in range(many):
        say(attempt, f"line {number}")
        if number % (many // writes) == 0:
            recorder.write_all()
    recorder.end(attempt)

    assert sum(LogPart.objects.values_list("end", flat=True)) > 0
    size = sum(len(text.encode()) for text in LogPart.objects.values_list("text", flat=True))
    assert size <= settings.JOBS_LOG_MAX_BYTES
    head, tail = read_log("job").pieces
    first, last = said(head.text), said(tail.text)
    assert first == [f"INFO line {number}" for number in range(len(first))]
    assert last == [f"INFO line {number}" for number in range(many - len(last), many)]
    assert len(head.text.encode()) >= 16 * 1024
    assert len(tail.text.encode()) >= 8 * 1024
    assert tail.lines_left_out == many - len(first) - len(last)
    assert head.left_out == 0
    assert (
        len(head.text.encode()) + tail.left_out + len(tail.text.encode())
        == read_log("job").next_offset
    )


def test_while_the_ledger_is_away_memory_is_bounded_as_well(
    fresh_writer: Writer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOBS_LOG_MAX_BYTES = 64 * 1024
    attempt = attempt_at("job")
    write = store.write

    def fail(_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(store, "write", fail)
    for number in range(20_000):
        say(attempt, f"line {number}")
        if number % 5_000 == 0:
            recorder.write_all()
    lines = fresh_writer.log_of(attempt).take()
    assert sum(line.end - line.start for line in lines) < settings.JOBS_LOG_MAX_BYTES
    fresh_writer.log_of(attempt).give_back(lines)
    monkeypatch.setattr(store, "write", write)
    recorder.end(attempt)
    texts = said(stored("job"))
    assert (texts[0], texts[-1]) == ("INFO line 0", "INFO line 19999")


def test_rows_are_small_and_hold_whole_lines(fresh_writer: Writer) -> None:
    attempt = attempt_at("job")
    say(attempt, *["x" * 3_000] * 20, "y" * 20_000, "end")
    recorder.end(attempt)
    for part in LogPart.objects.all():
        assert part.end - part.start == len(part.text.encode())
        assert part.text.endswith("\n")
        assert part.text.count("\n") == part.lines
        assert part.end - part.start <= LARGEST_ROW
    assert "yyy [cut]\n" in stored("job")
    assert said(stored("job"))[-1] == "INFO end"


def test_where_nothing_is_to_be_stored_nothing_is(fresh_writer: Writer, settings: Settings) -> None:
    settings.JOBS_LOG_MAX_BYTES = 0
    attempt = attempt_at("job")
    say(attempt, "hello")
    recorder.end(attempt)
    assert not LogPart.objects.exists()
    assert fresh_writer.known([("job", 1)]) == []


# --- order and time --------------------------------------------------------------------------------
def test_the_lines_of_the_next_attempt_follow(fresh_writer: Writer) -> None:
    for number in (1, 2, 3):
        attempt = attempt_at("job", number)
        say(attempt, "begins", "ends")
        recorder.end(attempt)
    log = read_log("job")
    assert [(one.attempt, said(one.text)) for one in log.pieces] == [
        (number, ["INFO begins", "INFO ends"]) for number in (1, 2, 3)
    ]
    assert all(one.left_out == 0 for one in log.pieces)


def test_what_a_thread_says_after_the_end_of_its_attempt_follows_as_well(
    fresh_writer: Writer,
) -> None:
    attempt = attempt_at("job")
    say(attempt, "in time")
    recorder.end(attempt)
    attempt.settle()
    say(attempt, "late")
    recorder.write_all()
    assert said(stored("job")) == ["INFO in time", "INFO late"]
    assert fresh_writer.known([("job", 1)]) == [], "nothing is kept in memory for it"


def test_a_log_that_was_closed_takes_nothing_more(fresh_writer: Writer) -> None:
    """Whoever held it while it was closed begins another one, and the line is not lost."""
    attempt = attempt_at("job")
    say(attempt, "in time")
    log = fresh_writer.log_of(attempt)
    recorder.end(attempt)
    assert not log.add(["nowhere"])
    assert fresh_writer.log_of(attempt) is not log


def test_lines_are_there_within_a_second_or_so_while_the_task_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new, needed = Writer(), Watched()
    monkeypatch.setattr(new, "_is_needed", needed)
    monkeypatch.setattr(writer, "_writer", new)
    attempt = attempt_at("job")
    say(attempt, "hello")
    wait_for(lambda: stored("job"), 10, what="the thread has written it")
    recorder.end(attempt)
    wait_for(lambda: needed.is_waited_for, 10, what="the thread has nothing to do")


class Watched(threading.Event):
    is_waited_for = False

    def wait(self, timeout: float | None = None) -> bool:
        self.is_waited_for = not self.is_set()
        return super().wait(timeout)


def test_the_log_of_a_job_is_complete_when_its_end_shows(
    fresh_writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []
    write = store.write

    def look(taken: Any) -> None:
        write(taken)
        seen.extend(Job.objects.values_list("id", "state"))

    monkeypatch.setattr(store, "write", look)
    for task in (talking_tasks.raise_error.s("words"), talking_tasks.retry.s()):
        task_id = str(task.delay().id)
        run_job(task_id)
        assert (task_id, "STARTED") in seen
        assert (task_id, Job.objects.get(id=task_id).state) not in seen


def test_what_a_batch_says_is_stored_together_before_its_results_and_by_job(
    fresh_writer: Writer, hearing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    become_a_worker()
    board = Board(8)
    monkeypatch.setattr(boards, "_board", board)
    ids = [str(tasks.say.delay(f"words of {number}").id) for number in range(5)]
    silent = str(tasks.add.delay(1, 1).id)
    written: list[list[str]] = []
    seen: set[str] = set()
    write = store.write

    def look(taken: Any) -> None:
        written.append([log.key[0] for log, _ in taken])
        of_these = Job.objects.filter(id__in=written[-1])
        seen.update(of_these.values_list("state", flat=True))
        write(taken)

    monkeypatch.setattr(store, "write", look)
    monkeypatch.setattr(batch, "FLUSH_SECONDS", 60)
    entries = [entry_of(task_id) for task_id in (*ids, silent)]
    with heard_streams():
        perform_batch(board.take_slot(len(entries)), entries)
    assert written == [ids], "one statement for all of them"
    assert seen == {"STARTED"}
    for number, task_id in enumerate(ids):
        assert said(stored(task_id)) == [f"INFO words of {number}", f"STDOUT words of {number}"]
    assert set(Job.objects.values_list("state", flat=True)) == {"SUCCESS"}
    assert stored(silent) == ""


def test_a_silent_batch_makes_no_record_and_no_statement_for_logs(
    fresh_writer: Writer, hearing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(8)
    monkeypatch.setattr(boards, "_board", board)
    entries = [entry_of(str(tasks.add.delay(1, number).id)) for number in range(20)]
    made: list[str] = []
    make = logging.getLogRecordFactory()

    def count(name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        made.append(name)
        return make(name, *args, **kwargs)

    logging.setLogRecordFactory(count)
    try:
        with CaptureQueriesContext(connection) as asked:
            perform_batch(board.take_slot(len(entries)), entries)
    finally:
        logging.setLogRecordFactory(make)
    assert made == []
    assert not [query for query in asked.captured_queries if "logpart" in query["sql"]]
    assert set(Job.objects.values_list("state", flat=True)) == {"SUCCESS"}


def entry_of(task_id: str) -> Entry:
    job = Job.objects.get(id=task_id)
    request = {"id": task_id, "task": job.task, "delivery_info": {}, "hostname": "here"}
    return Entry(job.task, task_id, 1, request, job.body, None)


# --- the ledger's troubles -------------------------------------------------------------------------
def test_an_attempt_that_ends_waits_for_a_database_that_is_away(
    fresh_writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(patience, "SHORTEST", 0.001)
    tries: list[int] = []
    write = store.write

    def fail_at_first(taken: Any) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise OperationalError
        write(taken)
        if len(tries) == 4:
            raise OperationalError  # the answer to the commit is lost

    monkeypatch.setattr(store, "write", fail_at_first)
    attempt = attempt_at("job")
    say(attempt, "once")
    recorder.end(attempt)
    assert said(stored("job")) == ["INFO once"]
    assert len(tries) == 5
    assert {record.levelname for record in caplog.records} == {"WARNING"}, "nothing was refused"


def test_what_the_database_refuses_harms_neither_the_job_nor_the_next_lines(
    fresh_writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = attempt_at("job")
    say(attempt, "refused")
    with monkeypatch.context() as patched:
        patched.setattr(store, "write", refuse)
        recorder.write_all()
    say(attempt, "taken")
    recorder.end(attempt)
    assert said(stored("job")) == ["INFO taken"]


def refuse(_: Any) -> None:
    raise ValueError


def test_a_log_that_the_database_refuses_takes_no_other_with_it(
    fresh_writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store.write

    def refuse_one(taken: Any) -> None:
        if any(log.key[0] == "bad" for log, _ in taken):
            raise ValueError
        write(taken)

    monkeypatch.setattr(store, "write", refuse_one)
    for name in ("good", "bad", "fine"):
        say(attempt_at(name), "hello")
    recorder.end_all([("good", 1), ("bad", 1), ("fine", 1)])
    assert [bool(stored(name)) for name in ("good", "bad", "fine")] == [True, False, True]
    assert fresh_writer.known([("bad", 1)]) == []


def test_within_a_transaction_nothing_is_written_and_nothing_is_lost(fresh_writer: Writer) -> None:
    attempt = attempt_at("job")
    with transaction.atomic():
        say(attempt, "hello")
        recorder.end(attempt)
        assert not LogPart.objects.exists()
        transaction.set_rollback(True)
    recorder.write_all()
    assert said(stored("job")) == ["INFO hello"]
    assert fresh_writer.known([("job", 1)]) == []


def test_what_the_log_itself_has_to_say_is_not_in_it(
    fresh_writer: Writer, hearing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the warning that a log cannot be written would be one more line to write."""
    attempt = attempt_at("job")
    with running(attempt):
        say(attempt, "hello")
        with monkeypatch.context() as patched:
            patched.setattr(store, "write", refuse)
            recorder.write_all()
        recorder.end(attempt)
    assert stored("job") == ""


def test_a_child_that_a_task_forks_writes_to_the_file_and_leaves_the_ledger_alone(
    fresh_writer: Writer, folder: Path
) -> None:
    attempt = attempt_at("job")
    with running(attempt):
        say(attempt, "parent")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                say(attempt, "child")
                recorder.end(attempt)
                code = int(writer.writer()._stores)
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
    recorder.end(attempt)
    assert said(stored("job")) == ["INFO parent"]
    (file,) = folder.iterdir()
    assert [line.split()[-1] for line in file.read_text().splitlines()] == ["parent", "child"]


def test_many_threads_lose_no_line(fresh_writer: Writer, settings: Settings) -> None:
    settings.JOBS_LOG_MAX_BYTES = 10_000_000
    attempt = attempt_at("job")

    def talk(name: int) -> None:
        for number in range(500):
            say(attempt, f"{name} {number}")

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        recorder.write_all()
        time.sleep(0.001)
    recorder.end(attempt)
    assert sorted(said(stored("job"))) == sorted(
        f"INFO {name} {number}" for name in range(4) for number in range(500)
    )


# --- retention -------------------------------------------------------------------------------------
def test_the_log_goes_with_its_job(fresh_writer: Writer) -> None:
    then = timezone.now() - timedelta(days=31)
    for task_id, finished in (("old", then), ("young", timezone.now())):
        make_job(task_id, state="SUCCESS", finished_at=finished, created_at=then)
        attempt = attempt_at(task_id)
        say(attempt, "hello")
        recorder.end(attempt)
    dry, purge = Purge(dry=True), Purge()
    assert dry.go_on()
    assert purge.go_on()
    assert dict(+purge.counts) == dict(+dry.counts) == {"jobs": 1, "log parts": 1}
    assert (stored("old"), said(stored("young"))) == ("", ["INFO hello"])


def test_files_that_nobody_adds_to_go_after_the_same_time(folder: Path, settings: Settings) -> None:
    folder.mkdir()
    old = folder / "tests.talk.log.1"
    old.touch()
    month_ago = time.time() - 31 * 86_400
    os.utime(old, (month_ago, month_ago))
    settings.JOBS_KEEP_DAYS = 0
    assert Purge().go_on()
    assert old.exists(), "kept for ever"
    settings.JOBS_KEEP_DAYS = 30
    dry, purge = Purge(dry=True), Purge()
    assert dry.go_on()
    assert old.exists()
    assert purge.go_on()
    assert dict(+purge.counts) == dict(+dry.counts) == {"log files": 1}
    assert not old.exists()
