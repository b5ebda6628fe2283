"""What takes the place of the suite's own application and worker: ours, started as a user does.

Loaded with ``-p`` before the suite's conftest, which imports the fixtures that are replaced here.
"""

import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import celery.contrib.pytest
import django
import pytest

from tests.celery_suite.skips import reasons
from tests.servers.processes import wait_for
from tests.servers.redis import Redis
from tests.stacks import SERVERS, Running, Stack
from tests.support.commands import BIN, COMMANDS

SETTINGS = "tests.celery_suite.settings"
PROJECT = "tests.celery_suite.project"
#: The suite runs what its tasks tell by Redis only where the backend's name begins so. The client
#: gives our backend this other name; the worker knows it by its own.
ALIAS = "redis-is-there"
BACKEND = "celery_uncovered.jobs.results.LedgerBackend"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", default=SERVERS, help="embedded, servers or sqlite-rabbitmq")


def pytest_configure(config: pytest.Config) -> None:
    for line in ("flaky: not tried again here", "timeout: pytest-timeout's", "celery: its own"):
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for module in {item.module for item in items if isinstance(item, pytest.Function)}:
        module.await_redis_count = patient(module)
    known = reasons()
    for item in items:
        name = item.nodeid.partition("::")[2]
        reason = known.get(name) or known.get(name.partition("[")[0])
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def patient(module: Any) -> Any:
    """The suite's wait for a count; where it only looks once, a busy machine may need longer."""
    wait: Any = module.await_redis_count

    def await_redis_count(count: int, redis_key: str = "redis-count", timeout: float = 60) -> None:
        connection = module.get_redis_connection()
        if not timeout:
            wait_for(lambda: connection.exists(redis_key), 60, what=f"{redis_key} is counted")
        wait(count, redis_key=redis_key, timeout=timeout)

    return await_redis_count


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack with a worker and a dispatcher of the suite's project, and a Redis for its tasks."""
    folder = tmp_path_factory.mktemp("stack")
    stack = Stack(request.config.getoption("--stack"), folder, settings=SETTINGS)
    redis = Redis.create().start()
    stack.env |= {
        "REDIS_PORT": str(redis.port),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    worker = start(stack, "worker", "--concurrency", "4")
    stack.start("dispatcher")
    stack.wait_for(lambda: worker.is_ready(COMMANDS["worker"]), 60, "the worker is ready")
    yield stack
    stack.close()
    redis.stop()


def start(stack: Stack, *words: str) -> Running:
    command = [str(BIN / "celery"), "-A", PROJECT, *words, "--loglevel", "INFO"]
    process = Running(words[0], command, env=stack.env, log=stack.folder / f"{words[0]}.log")
    stack.processes.append(process)
    return process


@pytest.fixture(scope="session")
def celery_session_app(stack: Stack) -> Any:
    """The project's application in this process, the client's."""
    os.environ.update(stack.env)
    django.setup()
    from tests.celery_suite.project import app  # noqa: PLC0415  # its settings are chosen above

    app.loader.import_default_modules()
    app.loader.override_backends = {ALIAS: BACKEND}
    app.conf.update(result_backend=ALIAS)
    app.set_default()
    app.set_current()
    return app


@pytest.fixture
def celery_app(celery_session_app: Any) -> Iterator[Any]:
    """The same one for each test, with the settings that the last one changed put back."""
    changes = celery_session_app.conf.changes
    before = dict(changes)
    yield celery_session_app
    changes.clear()
    changes.update(before)


@pytest.fixture(scope="session")
def celery_session_worker(stack: Stack) -> Stack:
    return stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """A failed test's report has the ends of the processes' logs."""
    report = yield
    funcargs = getattr(item, "funcargs", {})
    if report.failed and "manager" in funcargs:
        stack = item._request.getfixturevalue("stack")  # type: ignore[attr-defined]
        report.sections.append(("processes", stack.logs()))
    return report


for replaced in (celery_app, celery_session_app, celery_session_worker):
    setattr(celery.contrib.pytest, replaced.__name__, replaced)
