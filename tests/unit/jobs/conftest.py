import threading
from pathlib import Path
from typing import Any

import pytest

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Artifact, artifact_storage


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Delivery]:
    """What would go to the broker; nothing does."""
    deliveries: list[Delivery] = []

    def send(batch: list[Delivery]) -> list[Delivery]:
        deliveries.extend(batch)
        # Another thread has another connection, which does not see the test's transaction.
        return batch if threading.current_thread() is threading.main_thread() else []

    monkeypatch.setattr(outbox, "send", send)
    return deliveries


@pytest.fixture
def ledger(db: Any, sent: list[Delivery]) -> list[Delivery]:
    """A ledger in the test's own database, rolled back after it; what would be sent."""
    return sent


@pytest.fixture
def committed_ledger(transactional_db: Any, sent: list[Delivery]) -> list[Delivery]:
    """As ``ledger``, but what is done is committed, as in a worker; emptied after the test."""
    return sent


@pytest.fixture
def artifact_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of this test's jobs are; a storage that was used before knows another."""
    field: Any = Artifact._meta.get_field("file")
    storage: Any
    for storage in (artifact_storage(), field.storage):
        for name in ("base_location", "location"):
            monkeypatch.setitem(vars(storage), name, str(tmp_path))
    return tmp_path
