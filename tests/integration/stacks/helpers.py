"""What the tests of the stacks call in a stack's own process."""

import os
import sys

from django.conf import settings


def engine() -> str:
    return str(settings.DATABASES["default"]["ENGINE"])


def process_id() -> int:
    sys.stdout.write("noise on stdout does not disturb the answers\n")
    return os.getpid()


def refuse(value: int, *, why: str) -> None:
    message = f"{value} is refused: {why}"
    raise ValueError(message)
