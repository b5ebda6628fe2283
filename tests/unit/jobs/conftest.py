import threading
from pathlib import Path
from typing import Any

import pytest

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.models import Artifact, artifact_storage


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[outbox.Delivery]:
    """What would go to the broker; nothing does."""
    deliveries: list[outbox.Delivery] = []

    def publish(batch: list[outbox.Delivery]) -> None:
        deliveries.extend(batch)
        if threading.current_thread() is threading.main_thread():
            # Another thread has another connection, which does not see the test's transaction.
            outbox._note_published(batch)

    monkeypatch.setattr(outbox, "publish", publish)
    return deliveries


@pytest.fixture
def ledger(db: Any, sent: list[outbox.Delivery]) -> list[outbox.Delivery]:
    """A ledger in the test's own database, rolled back after it; what would be sent."""
    return sent


@pytest.fixture
def committed_ledger(transactional_db: Any, sent: list[outbox.Delivery]) -> list[outbox.Delivery]:
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
