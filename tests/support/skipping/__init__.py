"""Time that a test skips for runs in other processes: how far is in a file, which all of them read."""

from datetime import timedelta
from pathlib import Path

FILE = "seconds_skipped"


def skipped(data_dir: Path) -> timedelta:
    try:
        return timedelta(seconds=float((data_dir / FILE).read_text()))
    except FileNotFoundError:
        return timedelta(0)


def skip(data_dir: Path, time: timedelta) -> None:
    """For the processes of the stack with this DATA_DIR, under ``SETTINGS``."""
    draft = data_dir / f"{FILE}.draft"
    draft.write_text(str((skipped(data_dir) + time).total_seconds()))
    draft.replace(data_dir / FILE)
