"""A database for tests that advance runs in one process, without workers: one for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stacks import EMBEDDED, SERVERS, Stack


@pytest.fixture(scope="module", params=(EMBEDDED, SERVERS))
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("database")
    stack = Stack(request.param, folder)
    yield stack
    stack.close()
