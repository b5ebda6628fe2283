"""Loopback ports that stay free for whoever reserved them, so that a killed server can return."""

import os
import random
import socket
from pathlib import Path

from tests.servers import session

#: Below the range that the kernel gives to outgoing connections (32768 and up on Linux).
RANGE = range(20_000, 32_000)


def reserve_port() -> int:
    """A free port that no other process of this session gets."""
    reservations = session.subfolder("ports")
    for port in random.SystemRandom().sample(RANGE, 200):
        if is_free(port) and reserved(reservations / str(port)):
            return port
    message = f"No port between {RANGE.start} and {RANGE.stop} is free."
    raise OSError(message)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def reserved(marker: Path) -> bool:
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
