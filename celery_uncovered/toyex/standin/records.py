"""The recorded repositories; ``data/SOURCES.md`` says where they come from."""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"

#: A repository as GitHub's API spells it.
Item = dict[str, Any]


def load_repositories() -> list[Item]:
    items: list[Item] = json.loads((DATA / "repositories.json").read_bytes())
    return items
