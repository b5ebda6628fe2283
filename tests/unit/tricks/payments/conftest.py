from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.tricks.payments.standin.server import StandIn
from celery_uncovered.tricks.payments.standin.service import Service
from celery_uncovered.tricks.payments.standin.store import Store


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Delivery]:
    """What would go to the broker; nothing does."""
    deliveries: list[Delivery] = []

    def send(batch: list[Delivery]) -> list[Delivery]:
        deliveries.extend(batch)
        return []

    monkeypatch.setattr(outbox, "send", send)
    return deliveries


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "gateway.sqlite3")
    store._connection.execute("PRAGMA synchronous = OFF")  # no test cuts the power
    yield store
    store.close()


@pytest.fixture
def gateway(store: Store, settings: Settings) -> Iterator[StandIn]:
    """The gateway that payments of this test are charged by."""
    with StandIn(Service(store=store)) as standin:
        settings.PAYMENTS_GATEWAY_URL = standin.url
        settings.PAYMENTS_READ_TIMEOUT = 10
        yield standin


@pytest.fixture
def spoil(gateway: StandIn) -> Callable[..., None]:
    """Adds one rule over HTTP, as a test of another process would."""

    def add(kind: str, **options: Any) -> None:
        rule = {"kind": kind, **options}
        answer = requests.post(f"{gateway.url}/_faults", json=[rule], timeout=5)
        assert answer.status_code == 200, answer.text

    return add
