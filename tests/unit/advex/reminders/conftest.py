from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

from celery_uncovered.advex.reminders.standin.server import StandIn
from celery_uncovered.advex.reminders.standin.service import Service
from celery_uncovered.advex.reminders.standin.store import Store
from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.messages import Delivery


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
    store = Store(tmp_path / "chat.sqlite3")
    store._connection.execute("PRAGMA synchronous = OFF")  # no test cuts the power
    yield store
    store.close()


@pytest.fixture
def chat(store: Store, settings: Settings) -> Iterator[StandIn]:
    """The chat that this test posts to."""
    with StandIn(Service(store=store)) as standin:
        settings.SLACK_API_URL = f"{standin.url}/api"
        settings.SLACK_READ_TIMEOUT = 10
        yield standin


@pytest.fixture
def spoil(chat: StandIn) -> Callable[..., None]:
    """Adds one rule over HTTP, as a test of another process would."""

    def add(kind: str, **options: Any) -> None:
        rule = {"kind": kind, **options}
        answer = requests.post(f"{chat.url}/_faults", json=[rule], timeout=5)
        assert answer.status_code == 200, answer.text

    return add
