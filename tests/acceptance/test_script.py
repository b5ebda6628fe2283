"""``manage.py hot_repos_report``: the report for scripts."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.expected import expected_rows, read_back
from tests.acceptance.installation import Installation, on
from tests.servers.session import ROOT
from tests.stacks import EMBEDDED

Done = subprocess.CompletedProcess[bytes]


@on(EMBEDDED)
def test_it_writes_the_file(installation: Installation, tmp_path: Path) -> None:
    target = tmp_path / "hot.csv"
    done = run(installation, "week", "--group-by", "language", "--output", str(target))
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode() == f"{target}: 500 repositories\n"
    assert read_back(target.read_bytes()) == expected_rows("week", "language")
    assert [path.name for path in tmp_path.iterdir()] == ["hot.csv"]


@on(EMBEDDED)
def test_standard_output_is_pure_csv_and_a_pipe_sees_no_bar(installation: Installation) -> None:
    done = run(installation, "day")
    assert (done.returncode, done.stderr) == (0, b"")
    assert read_back(done.stdout) == expected_rows("day", "topic")


@on(EMBEDDED)
def test_a_terminal_sees_a_bar_that_grows(installation: Installation) -> None:
    installation.spoil(*({"kind": "slow", "seconds": page, "page": page} for page in range(1, 3)))
    terminal, stderr = pty.openpty()
    process = subprocess.Popen(
        command("day", "--fresh"),
        cwd=ROOT,
        env=installation.stack.env,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )
    os.close(stderr)
    output, _ = process.communicate(timeout=120)
    shown = read_all(terminal)
    assert process.returncode == 0, shown
    assert read_back(output) == expected_rows("day", "topic")
    assert "pages fetched" in shown
    assert "[" + "." * 30 + "]" in shown
    assert "[" + "#" * 30 + "]" in shown
    assert shown.count("\r\x1b[K") > 2


@on(EMBEDDED)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["year"], 'Period "year" is not known; choose one of: day, week, month.'),
        (
            ["day", "--group-by", "owner"],
            'Grouping "owner" is not known; choose one of: topic, language.',
        ),
        (
            ["day", "--ref-date", "2026-05-05"],
            "Reference date 2026-05-05 is in the future; choose 2026-05-04 or a day before.",
        ),
        (
            ["day", "--ref-date", "soon"],
            'Reference date "soon" is not a date; write it as YYYY-MM-DD.',
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    installation: Installation, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = run(installation, *arguments, "--output", str(tmp_path / "none.csv"))
    assert_refused(done, sentence, tmp_path)


@on(EMBEDDED)
def test_a_failed_report_is_one_sentence_and_no_file(
    installation: Installation, tmp_path: Path
) -> None:
    installation.spoil({"kind": "401"})
    done = run(installation, "month", "--fresh", "--output", str(tmp_path / "none.csv"))
    sentence = "GitHub refused the token (401 Bad credentials); check GITHUB_OAUTH."
    assert_refused(done, sentence, tmp_path)


@on(EMBEDDED)
def test_a_folder_that_is_not_there_is_one_sentence(
    installation: Installation, tmp_path: Path
) -> None:
    target = tmp_path / "none" / "hot.csv"
    done = run(installation, "day", "--output", str(target))
    assert_refused(done, f"{target} cannot be written: No such file or directory.", tmp_path)


@on(EMBEDDED)
def test_it_does_not_wait_for_ever(installation: Installation, tmp_path: Path) -> None:
    installation.spoil({"kind": "slow", "seconds": 3})
    done = run(installation, "day", "--fresh", "--timeout", "0.5")
    assert done.returncode != 0
    assert b"was not ready after 0 s" in done.stderr or b"was not ready after 1 s" in done.stderr


def run(installation: Installation, *arguments: str) -> Done:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=installation.stack.env,
        capture_output=True,
        timeout=120,
        check=False,
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "hot_repos_report", *arguments]


def assert_refused(done: Done, sentence: str, folder: Path) -> None:
    assert done.returncode != 0
    assert done.stdout == b""
    assert done.stderr.decode() == f"CommandError: {sentence}\n"
    assert list(folder.iterdir()) == []


def read_all(terminal: int) -> str:
    """What was shown on a terminal whose other side is closed."""
    parts = []
    try:
        while part := os.read(terminal, 65_536):
            parts.append(part)
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(terminal)
    return b"".join(parts).decode()
