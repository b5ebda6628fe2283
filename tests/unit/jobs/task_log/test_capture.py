"""What attempts log, print and raise is in their logs; what nobody's attempt says is not."""

import io
import logging
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from celery.utils.log import LoggingProxy

from celery_uncovered.jobs.current import running
from celery_uncovered.jobs.task_log import capture, recorder
from celery_uncovered.jobs.task_log.capture import TaskStream
from celery_uncovered.jobs.task_log.writer import writer
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import run_job, state_of
from tests.unit.jobs.task_log import talking_tasks
from tests.unit.jobs.task_log.help import attempt_at, heard_streams, said, stored

pytestmark = pytest.mark.usefixtures("committed_ledger", "hearing")


def run(task: Any, *args: Any) -> str:
    task_id = str(task.delay(*args).id)
    with heard_streams():
        run_job(task_id)
    # What is said after the end comes a little later.
    recorder.write_all()
    return task_id


def test_what_a_task_logs_and_prints_is_there_with_its_level() -> None:
    task_id = run(talking_tasks.talk)
    assert said(stored(task_id)) == [
        "INFO logged 1",
        "INFO logged by Celery's logger",
        "STDOUT printed 2",
        "STDERR to stderr",
        "STDOUT no newline",
    ]


def test_the_file_of_the_task_has_time_level_job_and_attempt_in_each_line(folder: Path) -> None:
    first, second = run(talking_tasks.log_error), run(talking_tasks.log_error)
    (file,) = folder.iterdir()
    assert file.name == f"{talking_tasks.log_error.name}.log"
    lines = file.read_text().splitlines()
    for line in lines:
        time, level, task_id, attempt, *_ = line.split(" ")
        assert time.endswith("Z")
        assert (level, attempt) == ("ERROR", "1")
        assert task_id in {first, second}
    assert sum("went on" in line for line in lines) == 2


def test_the_other_lines_of_a_text_cannot_be_taken_for_texts_of_their_own() -> None:
    task_id = run(talking_tasks.raise_error, "out of\n2026-01-01T00:00:00.000Z INFO paper")
    first, *others = stored(task_id).splitlines()
    assert "ERROR Traceback" in first
    assert others
    assert all(line.startswith("    ") for line in others)


def test_the_error_that_ends_an_attempt_is_there_once() -> None:
    task_id = run(talking_tasks.raise_error, "out of paper")
    text = stored(task_id)
    assert text.count("Traceback (most recent call last)") == 1
    assert text.count("RuntimeError: out of paper") == 1
    assert state_of(task_id) == "FAILURE"


@pytest.mark.parametrize("task", [talking_tasks.retry, talking_tasks.retry_and_ignore])
def test_the_error_that_a_task_is_retried_for_is_there_once(task: Any) -> None:
    task_id = run(task)
    assert state_of(task_id) == "RETRY"
    text = stored(task_id)
    assert text.count("Traceback (most recent call last)") == 1
    assert text.count("RuntimeError('not yet')") == 1


def test_the_error_of_a_retry_that_comes_to_nothing_is_there_once_as_well() -> None:
    """The job was cancelled meanwhile, so that its retry is refused."""
    task_id = run(odd_tasks.retry_though_cancelled)
    assert state_of(task_id) == "REVOKED"
    assert stored(task_id).count("Traceback (most recent call last)") == 1


def test_an_error_that_the_task_caught_is_there_because_it_was_logged() -> None:
    text = stored(run(talking_tasks.log_error))
    assert said(text)[0] == "ERROR went on"
    assert text.count("KeyError: 'caught'") == 1


def test_a_result_that_cannot_be_stored_is_told_as_well() -> None:
    task_id = run(talking_tasks.return_no_json)
    assert state_of(task_id) == "FAILURE"
    lines = said(stored(task_id))
    assert lines[0] == "INFO almost done"
    assert lines[1] == "ERROR Traceback (most recent call last):"


def test_what_a_task_says_before_it_hands_over_is_there() -> None:
    task_id = run(talking_tasks.be_replaced)
    assert said(stored(task_id)) == ["INFO handing over"]


def test_what_is_said_in_transactions_that_come_to_nothing_is_there() -> None:
    task_id = run(talking_tasks.talk_in_a_transaction)
    firsts = [line for line in said(stored(task_id)) if not line.startswith(" ")]
    assert firsts == ["INFO within", "INFO rolled back", "ERROR aborted", "INFO after"]


def test_a_thread_with_a_copy_of_the_context_speaks_for_the_task() -> None:
    assert said(stored(run(talking_tasks.talk_in_threads))) == ["STDOUT with"]


def test_a_text_that_cannot_be_formatted_does_not_harm_the_task() -> None:
    lines = said(stored(run(talking_tasks.log_badly)))
    name = talking_tasks.log.name
    assert lines == [f"INFO [A text of logger {name} has no form: TypeError]", "INFO next"]


def test_what_is_said_outside_of_attempts_is_in_no_log(folder: Path) -> None:
    with heard_streams():
        logging.getLogger("any").warning("nobody's")
        print("nobody's")  # noqa: T201
    assert not folder.exists()


def test_a_silent_job_costs_no_record_no_row_and_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = logging.getLogRecordFactory()

    def count(name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        made.append(name)
        return make(name, *args, **kwargs)

    run(talking_tasks.quiet)
    logging.setLogRecordFactory(count)
    try:
        task_id = run(talking_tasks.quiet)
    finally:
        logging.setLogRecordFactory(make)
    assert logging.getLogger("any").isEnabledFor(logging.INFO), "the root logger lets them through"
    assert made == []
    assert stored(task_id) == ""
    assert not folder.exists()


# --- streams -------------------------------------------------------------------------------------
def test_what_celery_redirects_is_there_once_and_still_goes_where_it_went(
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy: Any = LoggingProxy(logging.getLogger("celery.redirected"), logging.WARNING)
    with redirect_stdout(proxy):
        task_id = run(talking_tasks.talk)
    assert [line for line in said(stored(task_id)) if "printed" in line] == ["STDOUT printed 2"]
    redirected = [one.getMessage() for one in caplog.records if one.name == "celery.redirected"]
    assert "printed" in redirected


def test_streams_are_put_in_front_once() -> None:
    with heard_streams():
        stream = sys.stdout
        assert isinstance(stream, TaskStream)
        capture._hear_streams()
        assert sys.stdout is stream
        assert sys.stdout.encoding.lower() == "utf-8"


@pytest.mark.parametrize("text", ["10%\r20%\r100%\n", "10%\r\n20%\r\n100%\r\n"])
def test_a_progress_bar_is_one_line_for_each_state(text: str) -> None:
    out = TaskStream(io.StringIO(), "STDOUT")
    with running(attempt_at("bar")) as attempt:
        for character in text:
            out.write(character)
    recorder.end(attempt)
    assert said(stored("bar")) == ["STDOUT 10%", "STDOUT 20%", "STDOUT 100%"]


def test_lines_of_two_threads_that_print_bit_by_bit_do_not_mix() -> None:
    out = TaskStream(io.StringIO(), "STDOUT")
    turn = threading.Barrier(2, timeout=10)
    attempt = attempt_at("two")

    def say(word: str) -> None:
        with running(attempt):
            for character in f"{word}\n":
                turn.wait()
                out.write(character)

    threads = [threading.Thread(target=say, args=(word,)) for word in ("aaaa", "bbbb")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.end(attempt)
    assert sorted(said(stored("two"))) == ["STDOUT aaaa", "STDOUT bbbb"]


def test_a_line_without_an_end_is_not_kept_in_memory_for_ever() -> None:
    out = TaskStream(io.StringIO(), "STDOUT")
    with running(attempt_at("endless")) as attempt:
        for _ in range(40):
            out.write("x" * 1024)
        assert len("".join(text for _, text in writer().log_of(attempt).rests())) < 33_000
    recorder.end(attempt)
    assert stored("endless").endswith("x [cut]\n")
