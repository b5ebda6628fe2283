"""Debian's Chromium: where it is, and how it starts as root, without a GPU, and without chatter."""

from pathlib import Path

from tests.servers.missing import missing

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch_arguments() -> dict[str, object]:
    """Skips the test where Chromium is not installed, and fails it under CI."""
    if not CHROMIUM.exists():
        missing("Chromium")
    return {"executable_path": str(CHROMIUM), "args": FLAGS}
