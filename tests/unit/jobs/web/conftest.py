from pathlib import Path

import pytest
from django.core.files.storage import storages


@pytest.fixture(autouse=True)
def artifact_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files go to a folder of the test's own."""
    storage = storages["artifacts"]
    monkeypatch.setattr(storage, "_location", str(tmp_path))
    for name in ("base_location", "location"):
        storage.__dict__.pop(name, None)
    return tmp_path
