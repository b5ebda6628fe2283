"""What happens to a test whose server is not installed: it skips, and fails under ``CI``."""

import os
from pathlib import Path
from typing import NoReturn

import pytest


def missing(server: str) -> NoReturn:
    message = f"{server} is missing: make test installs them as root: bin/install-servers"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def newest(pattern: str, server: str) -> Path:
    """The path of the highest version that ``pattern`` finds below /usr/lib."""
    found = sorted(Path("/usr/lib").glob(pattern), key=version)
    return found[-1] if found else missing(server)


def version(path: Path) -> list[int]:
    """``postgresql/15/bin`` before ``postgresql/16/bin`` before ``postgresql/16.1/bin``."""
    digits = "".join(character if character.isdigit() else " " for character in str(path))
    return [int(number) for number in digits.split()]
