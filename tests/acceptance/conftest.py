"""A running installation for the tests of a module; no fault outlives the test that made it."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.installation import Installation, Options
from tests.plugins.stacks import STACKS
from tests.stacks import Stack


@pytest.fixture(scope="module")
def options() -> Options:
    """Overridden by modules that need something else."""
    return Options()


@pytest.fixture(scope="module")
def installations(
    tmp_path_factory: pytest.TempPathFactory, options: Options
) -> Iterator[Callable[[str], Installation]]:
    """Starts an installation on a kind of stack when a test first asks for it."""
    started: dict[str, Installation] = {}
    with contextlib.ExitStack() as ends:

        def on_stack(name: str) -> Installation:
            if name not in started:
                folder = tmp_path_factory.mktemp("acceptance")
                stack = Stack(name, folder, settings=options.settings)
                ends.callback(stack.close)
                started[name] = Installation(stack, options)
            return started[name]

        yield on_stack


@pytest.fixture
def installation(
    request: pytest.FixtureRequest, installations: Callable[[str], Installation]
) -> Installation:
    """The module's own on the stack that ``installation.on`` names; a test may spoil its GitHub."""
    return installations(request.param)


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test begins with a stand-in that behaves well, and fails with the processes' logs."""
    if "installation" not in request.fixturenames:
        yield
        return
    installation: Installation = request.getfixturevalue("installation")
    request.node.stash[STACKS] = [installation.stack]
    installation.heal()
    yield
    installation.heal()
    installation.wait_until_idle()
