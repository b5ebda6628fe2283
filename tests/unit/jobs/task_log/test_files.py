"""Many processes append to one file, it rotates under them, and every line is there once."""

import errno
import logging
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from pytest_django import Settings

from celery_uncovered.jobs.task_log import files
from celery_uncovered.jobs.task_log.files import RotatingFile, append_lines, discard_old, file_name
from tests.servers.processes import wait_for
from tests.servers.session import ROOT

PROCESSES, LINES = 8, 100_000
NEVER = 10_000
#: A process that appends numbered lines, so that many start at once and one can be killed.
APPEND = """
import sys
from pathlib import Path
from celery_uncovered.jobs.task_log.files import RotatingFile
path, name, count, largest = sys.argv[1:]
file = RotatingFile(Path(path), largest=int(largest), kept=10_000)
for number in range(int(count)):
    file.append(f"{name} {number} {'words of a line ' * 3}\\n".encode())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs/task.log"


@pytest.fixture(autouse=True)
def closed(tmp_path: Path, settings: Settings) -> None:
    files.close_all()
    settings.JOBS_LOG_DIR = str(tmp_path / "logs")


def append_from(name: str, path: Path, count: int, *, largest: int) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-c", APPEND, str(path), name, str(count), str(largest)]
    env = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "PATH": os.environ["PATH"]}
    return subprocess.Popen(words, cwd=ROOT, env=env)


def written(path: Path) -> Counter[str]:
    return Counter(
        " ".join(line.split()[:2])
        for file in path.parent.iterdir()
        for line in file.read_text().splitlines()
    )


def test_eight_processes_log_a_hundred_thousand_lines_and_each_is_there_once(path: Path) -> None:
    processes = [
        append_from(str(n), path, LINES // PROCESSES, largest=200_000) for n in range(PROCESSES)
    ]
    assert [process.wait(120) for process in processes] == [0] * PROCESSES
    seen = written(path)
    assert set(seen.values()) == {1}
    assert len(seen) == LINES
    rotated = list(path.parent.iterdir())
    assert len(rotated) > 20, "it rotated"
    assert {stat.S_IMODE(file.stat().st_mode) for file in rotated} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_process_that_is_killed_leaves_its_lines_and_does_not_hold_up_others(path: Path) -> None:
    killed = [append_from(f"k{n}", path, 10_000_000, largest=5_000) for n in range(3)]
    lasting = append_from("lasts", path, 3_000, largest=5_000)
    wait_for(lambda: path.exists() and len(list(path.parent.iterdir())) > 20, 30, what="it rotates")
    for process in killed:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    assert lasting.wait(60) == 0
    seen = written(path)
    assert set(seen.values()) == {1}
    for name in ("k0", "k1", "k2", "lasts"):
        numbers = [int(line.split()[1]) for line in seen if line.startswith(f"{name} ")]
        assert sorted(numbers) == list(range(len(numbers))), name
    assert seen["lasts 2999"] == 1


def test_a_process_that_stands_still_holds_up_nobody(path: Path) -> None:
    stopped = append_from("stopped", path, 10_000_000, largest=5_000)
    wait_for(lambda: path.exists() and len(list(path.parent.iterdir())) > 3, 30, what="it rotates")
    stopped.send_signal(signal.SIGSTOP)
    try:
        file = RotatingFile(path, largest=5_000, kept=NEVER)
        for number in range(1_000):
            file.append(f"mine {number}\n".encode())
    finally:
        stopped.kill()
        stopped.wait(10)
    assert sum(line.startswith("mine") for line in written(path)) == 1_000


def test_full_files_move_aside_and_the_oldest_goes(path: Path) -> None:
    file = RotatingFile(path, largest=10, kept=2)
    for text in ("first", "second", "third", "fourth"):
        file.append(f"{text:9}\n".encode())
    names = {one.name: one.read_text().strip() for one in path.parent.iterdir()}
    assert names == {"task.log": "fourth", "task.log.1": "third", "task.log.2": "second"}


def test_a_gap_that_a_killed_process_left_in_the_numbers_is_closed(path: Path) -> None:
    file = RotatingFile(path, largest=10, kept=3)
    file.append(b"current  \n")
    path.with_name("task.log.2").write_text("older\n")
    path.with_name("task.log.3").write_text("oldest\n")
    file.append(b"newest   \n")
    names = {one.name: one.read_text().strip() for one in path.parent.iterdir()}
    assert names == {
        "task.log": "newest",
        "task.log.1": "current",
        "task.log.2": "older",
        "task.log.3": "oldest",
    }


def test_who_comes_late_to_a_full_file_does_not_move_the_new_one(path: Path) -> None:
    early, late = (RotatingFile(path, largest=10, kept=5) for _ in range(2))
    late.append(b"full     \n")
    early.append(b"new      \n")
    assert late._descriptor is not None
    late._rotate(late._descriptor)
    assert sorted(one.name for one in path.parent.iterdir()) == ["task.log", "task.log.1"]
    assert path.read_text() == "new      \n"


def test_a_line_for_a_file_that_somebody_removed_goes_to_a_new_one(path: Path) -> None:
    file = RotatingFile(path, largest=1_000, kept=1)
    file.append(b"gone\n")
    path.unlink()
    file.append(b"kept\n")
    assert path.read_text() == "kept\n"


def test_a_line_that_was_written_to_a_removed_file_is_written_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was moved and removed between the look at its name and the write."""
    file = RotatingFile(path, largest=1_000, kept=1)
    file.append(b"before\n")
    write = os.write

    def write_late(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        path.unlink()
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", write_late)
    file.append(b"late\n")
    assert path.read_text() == "late\n"


def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    RotatingFile(path, largest=1_000, kept=1).append(b"secret\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_a_full_disk_cut_short_does_not_spoil_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RotatingFile(path, largest=1_000, kept=1)
    write, room = os.write, [5]

    def write_with_little_room(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        part, room[0] = data[: room[0]], 0
        return write(descriptor, part)

    monkeypatch.setattr(os, "write", write_with_little_room)
    with pytest.raises(OSError, match="No space left"):
        file.append(b"a long line\n")
    monkeypatch.setattr(os, "write", write)
    file.append(b"the next\n")
    assert path.read_text() == "a lon\nthe next\n"


def test_a_child_has_open_files_of_its_own(path: Path) -> None:
    """Two processes with one open file would both think that they alone rotate it."""
    append_lines("task", ["parent"])
    opened = files._files["task"]._descriptor
    assert opened is not None

    def look(pipe: "multiprocessing.connection.Connection[object, object]") -> None:
        pipe.send(list(files._files))
        append_lines("task", ["child"])

    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=look, args=(there,))
    child.start()
    child.join(30)
    assert here.poll(0)
    assert here.recv() == []
    append_lines("task", ["parent again"])
    assert path.read_text() == "parent\nchild\nparent again\n"


def test_where_files_cannot_be_written_it_is_said_once_and_nothing_fails(
    tmp_path: Path,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "_complained_at", 0.0)
    (tmp_path / "in the way").touch()
    settings.JOBS_LOG_DIR = str(tmp_path / "in the way/logs")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            append_lines("task", ["a line"])
    assert [record.getMessage()[:45] for record in caplog.records] == [
        "The logs of tasks cannot be written to files:"
    ]


def test_an_error_of_the_tasks_own_signal_handler_is_not_taken_for_the_systems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ring(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(RotatingFile, "append", ring)
    with pytest.raises(TimeoutError):
        append_lines("task", ["a line"])


@pytest.mark.parametrize(
    "task", ["../../etc/passwd", "/etc/passwd", "a b", "x" * 300, ".hidden", ""]
)
def test_a_task_of_any_name_has_a_file_of_its_own_within_the_folder(task: str, path: Path) -> None:
    append_lines(task, ["a line"])
    (found,) = path.parent.iterdir()
    assert found.name == file_name(task)
    assert len(found.name) < 200
    assert file_name(task) != file_name(f"{task}!")


def test_files_that_nobody_has_added_to_for_long_go_in_two_passes(path: Path) -> None:
    old = time.time() - 1_000
    append_lines("idle", ["a line"])
    append_lines("busy", ["a line"])
    idle = path.with_name("idle.log")
    os.utime(idle, (old, old))
    assert not list(discard_old(time.time() - 500, dry=True))
    assert idle.exists()
    assert not list(discard_old(time.time() - 500, dry=False))
    assert path.with_name("idle.log.1").exists(), "somebody may just have been writing to it"
    assert len(list(discard_old(time.time() - 500, dry=True))) == 1
    assert len(list(discard_old(time.time() - 500, dry=False))) == 1
    assert [one.name for one in path.parent.iterdir()] == ["busy.log"]
    append_lines("idle", ["a new line"])
    assert idle.read_text() == "a new line\n"


def test_without_a_folder_there_are_no_files(settings: Settings, path: Path) -> None:
    settings.JOBS_LOG_DIR = ""
    append_lines("task", ["a line"])
    assert not list(discard_old(time.time(), dry=False))
    assert not path.parent.exists()
