"""What tasks did, told outside the ledger: a line for each act in one file, and gates to wait at."""

import os
import time

from django.conf import settings

#: How long a task waits at a gate that nobody opens.
GATE_SECONDS = 90


def note(line: str, *, file: str = "notes") -> None:
    """Append ``line`` whole, whoever else writes."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    descriptor = os.open(settings.DATA_DIR / file, flags, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def wait_at(gate: str) -> None:
    """Return when somebody has made the file ``gate``."""
    deadline = time.monotonic() + GATE_SECONDS
    while not is_open(gate):
        if time.monotonic() > deadline:
            raise TimeoutError(gate)
        time.sleep(0.02)


def is_open(gate: str) -> bool:
    return (settings.DATA_DIR / gate).exists()
