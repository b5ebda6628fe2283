"""``python -m tests.servers.reaper FOLDER``: clean up after a session, however it ended."""

import shutil
import sys
from pathlib import Path

from tests.servers.processes import end_registered


def main() -> None:
    folder = Path(sys.argv[1])
    sys.stdin.read()
    end_registered(folder / "processes")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
