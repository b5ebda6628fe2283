"""Nothing that a test starts outlives the run."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.servers.processes import Process, started, wait_for
from tests.servers.session import ROOT

#: A leader that starts a member of its group which ignores SIGTERM.
FAMILY = """
import signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import signal, time; "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('member', flush=True); time.sleep(600)"])
time.sleep(600)
"""


def start(source: str, folder: Path) -> Process:
    command = [sys.executable, "-c", source]
    return Process("family", command, env=dict(os.environ), log=folder / "family.log")


def test_ending_a_process_ends_what_it_started(tmp_path: Path) -> None:
    process = start(FAMILY, tmp_path)
    wait_for(lambda: "member" in process.tail(), what="the member runs")
    (member,) = process.children()
    process.end()
    wait_for(lambda: started(member) is None, what="the member ended")


def test_members_of_a_killed_leader_are_ended_too(tmp_path: Path) -> None:
    process = start(FAMILY, tmp_path)
    wait_for(lambda: "member" in process.tail(), what="the member runs")
    (member,) = process.children()
    process.kill()
    assert started(member)
    process.end()
    wait_for(lambda: started(member) is None, what="the member ended")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_session_that_is_killed_leaves_no_process_and_no_folder(
    number: signal.Signals, tmp_path: Path
) -> None:
    source = f"""
        import os, pathlib, signal, sys, time
        # Whoever runs the suite in the background has SIGINT ignored, and its children inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from tests.servers import session
        from tests.servers.processes import Process
        with session.opened() as folder:
            sleeper = Process("sleeper", ["sleep", "600"], env={{}}, log=folder / "log")
            pathlib.Path({str(tmp_path / "told")!r}).write_text(f"{{sleeper.pid}} {{folder}}")
            time.sleep(600)
    """
    run = subprocess.Popen([sys.executable, "-c", textwrap.dedent(source)], cwd=ROOT)
    told = tmp_path / "told"
    wait_for(lambda: told.exists() and told.read_text(), what="the session is open")
    pid, folder = told.read_text().split()
    run.send_signal(number)
    run.wait(timeout=30)
    wait_for(lambda: started(int(pid)) is None, what="the process ended")
    wait_for(lambda: not Path(folder).exists(), what="the folder is gone")


def test_a_wait_that_runs_out_says_what_for_and_shows_details() -> None:
    with pytest.raises(AssertionError, match=r"Not within 0.01 s: rain\.\nlog"):
        wait_for(lambda: False, 0.01, what="rain", details=lambda: "log")
