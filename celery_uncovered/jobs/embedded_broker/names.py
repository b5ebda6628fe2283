"""What message files are called: sorting the names gives first in, first out."""

import itertools
import os
import secrets
import time

SUFFIX = ".json"
REDELIVERED = ".redelivered.json"

_counter = itertools.count()


def new_name() -> str:
    """A name after all earlier ones of this host, and shared with no other message."""
    unique = f"{next(_counter) % 10**6:06d}-{os.getpid()}-{secrets.token_hex(4)}"
    return f"{time.time_ns():020d}-{unique}{SUFFIX}"


def is_redelivered(name: str) -> bool:
    return name.endswith(REDELIVERED)


def as_redelivered(name: str) -> str:
    """The name of a message given back: the same place in the queue, marked."""
    return name if is_redelivered(name) else f"{name.removesuffix(SUFFIX)}{REDELIVERED}"
