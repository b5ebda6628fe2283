"""The fixtures that give a test a stack (tests/stacks.py), and a failed test's logs in its report."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stacks import EMBEDDED, SERVERS, SQLITE_RABBITMQ, Stack

STACKS = pytest.StashKey[list[Stack]]()


@pytest.fixture
def new_stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes stacks: ``new_stack("servers", own_servers=True, settings="...")``."""
    stacks: list[Stack] = []
    request.node.stash[STACKS] = stacks

    def make(name: str, **options: Any) -> Stack:
        folder = tmp_path / f"stack{len(stacks) + 1}"
        folder.mkdir()
        stacks.append(Stack(name, folder, **options))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.close()


@pytest.fixture(params=(EMBEDDED, SERVERS))
def stack(request: pytest.FixtureRequest, new_stack: Callable[..., Stack]) -> Stack:
    """Both ways to run that behaviours must hold on."""
    return new_stack(request.param)


@pytest.fixture(params=(EMBEDDED, SERVERS, SQLITE_RABBITMQ))
def any_stack(request: pytest.FixtureRequest, new_stack: Callable[..., Stack]) -> Stack:
    return new_stack(request.param)


@pytest.fixture
def embedded_stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack(EMBEDDED)


@pytest.fixture
def servers_stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack(SERVERS)


@pytest.fixture
def killable_stack(new_stack: Callable[..., Stack]) -> Stack:
    """``servers`` with a PostgreSQL and a RabbitMQ of its own: about six seconds to start."""
    return new_stack(SERVERS, own_servers=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    report = yield
    # A wait that ran out has the logs in its own message.
    if report.failed and call.when != "teardown" and "Not within" not in report.longreprtext:
        for stack in item.stash.get(STACKS, []):
            report.sections.append((f"processes of {stack.name}", stack.logs()))
    return report
