"""``python -m tests.celery_suite [pytest's arguments]``."""

import os
import subprocess
import sys
from pathlib import Path

from tests.celery_suite.source import packages, tests_of_celery
from tests.servers.session import ROOT

CONFIG = Path(__file__).with_name("pytest.ini")
PLUGINS = ("no:django", "tests.plugins.session", "tests.celery_suite.plugin")
#: Tests mostly wait, so that more of them than there are processors run at once.
PROCESSES = "4"


def main(arguments: list[str]) -> int:
    folder, site = tests_of_celery(), packages()
    environment = os.environ | {
        # Ours first: what we lock is what runs.
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder), str(site)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEST_BACKEND": "ledger",
    }
    command = [sys.executable, "-m", "pytest", "-c", str(CONFIG), "--rootdir", str(folder)]
    for plugin in PLUGINS:
        command += ["-p", plugin]
    tests = str(folder / "t/integration/test_canvas.py")
    command += ["-n", PROCESSES, *arguments, tests]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
