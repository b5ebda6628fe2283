"""The manifest of what is vendored here is true."""

import hashlib
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "vendor"
ROW = re.compile(r"^\| `([^`]+)` \| .+ \| [\d.]+ \| [\w.-]+ \| `([0-9a-f]{64})` \|$", re.MULTILINE)


@pytest.fixture(autouse=True)
def healed() -> None:
    """No installation is needed here."""


def test_each_vendored_file_is_in_the_manifest_with_its_hash() -> None:
    files = [path for path in FOLDER.iterdir() if path.name != "README.md"]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert found
    assert dict(ROW.findall((FOLDER / "README.md").read_text())) == found
