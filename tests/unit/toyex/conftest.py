from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from celery_uncovered.toyex.standin.records import Item, load_repositories
from celery_uncovered.toyex.standin.server import StandIn
from celery_uncovered.toyex.standin.service import Service


@pytest.fixture(scope="session")
def recorded_items() -> list[Item]:
    return load_repositories()


@pytest.fixture
def start_standin(recorded_items: list[Item]) -> Iterator[Callable[..., StandIn]]:
    """Starts stand-ins with the options of Service; ends them with the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> StandIn:
            return stack.enter_context(StandIn(Service(**{"items": recorded_items, **options})))

        yield start


@pytest.fixture
def standin(start_standin: Callable[..., StandIn]) -> StandIn:
    return start_standin()


@pytest.fixture
def spoil(standin: StandIn) -> Callable[..., None]:
    """Adds one rule over HTTP, as a test of another process would."""

    def add(kind: str, **options: Any) -> None:
        rule = {"kind": kind, **options}
        answer = requests.post(f"{standin.url}/_faults", json=[rule], timeout=5)
        assert answer.status_code == 200, answer.text

    return add
