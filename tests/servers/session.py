"""One test run's folder: shared by xdist's workers, gone with everything started in it.

The first process of a run opens the session; its children find the folder in the environment.
A small reaper process watches a pipe from the opener: when the pipe closes, because the run
finished, was interrupted or was killed, it ends every process registered in the folder and
removes the folder.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VARIABLE = "TESTS_SESSION_FOLDER"
ROOT = Path(__file__).resolve().parents[2]


class Session:
    def __init__(self) -> None:
        # A short path, because PostgreSQL puts a socket in it; reachable by the postgres user.
        self.folder = Path(tempfile.mkdtemp(prefix="cu-tests-"))
        self.folder.chmod(0o711)
        (self.folder / "processes").mkdir()
        self.outer = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(self.folder)
        self.reaper = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.reaper", str(self.folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def close(self) -> None:
        """End what is left; return when it is gone."""
        if self.reaper.stdin:
            self.reaper.stdin.close()
        self.reaper.wait(timeout=60)
        if self.outer is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self.outer


@contextlib.contextmanager
def opened() -> Iterator[Path]:
    """A session for scripts outside pytest."""
    session = Session()
    try:
        yield session.folder
    finally:
        session.close()


def folder() -> Path:
    return Path(os.environ[VARIABLE])


def subfolder(name: str) -> Path:
    path = folder() / name
    path.mkdir(mode=0o711, exist_ok=True)
    return path


def once(name: str, make: Callable[[], Any]) -> Any:
    """What ``make`` returned (JSON) in the first process of the session that asked for ``name``."""
    known = subfolder("once") / f"{name}.json"
    with known.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.exists():
            known.write_text(json.dumps(make()))
    return json.loads(known.read_text())
