"""One session for a run: xdist's workers find the one that their controller opened."""

import pytest

from tests.servers.session import Session

SESSION = pytest.StashKey[Session]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[SESSION] = Session()


def pytest_unconfigure(config: pytest.Config) -> None:
    if session := config.stash.get(SESSION, None):
        session.close()
