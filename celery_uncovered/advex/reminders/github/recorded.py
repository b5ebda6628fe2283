"""Recorded webhooks (``data/SOURCES.md``): as they were, or as if they were of another pull request."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data/webhooks"
#: Those that the page sends, by what its buttons say; the merged one is of another repository.
SENT = {
    "opened": "pull_request.opened",
    "closed": "pull_request.closed",
    "merged": "pull_request.closed.merged",
    "reopened": "pull_request.reopened",
    "labeled": "pull_request.labeled",
    "ping": "ping",
}
#: The repository that the recorded ones are of.
REPO = "Codertocat/Hello-World"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """``event`` is what the header says."""

    name: str
    event: str
    body: bytes


def recorded(name: str) -> Recorded:
    """Byte for byte as in the source; ``name`` is that of the file."""
    body = (FOLDER / f"{name}.json").read_bytes()
    return Recorded(name=name, event=name.partition(".")[0], body=body)


def all_recorded() -> list[Recorded]:
    return [recorded(path.name.removesuffix(".json")) for path in sorted(FOLDER.glob("*.json"))]


def readdressed(
    name: str, *, number: int, repo: str = REPO, at: datetime | None = None
) -> Recorded:
    """As if it were of that pull request and had happened ``at``, now by default.

    GitHub's own bodies differ in that as well; the same one twice is a duplicate.
    """
    found = recorded(name)
    payload = json.loads(found.body)
    if found.event == "pull_request":
        _readdress(payload, number=number, repo=repo, at=at or datetime.now(UTC))
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return Recorded(name=name, event=found.event, body=body)


def _readdress(payload: dict[str, Any], *, number: int, repo: str, at: datetime) -> None:
    pull, moment = payload["pull_request"], at.isoformat(timespec="microseconds")
    payload["number"] = pull["number"] = number
    payload["repository"]["full_name"] = repo
    pull["html_url"] = f"https://github.com/{repo}/pull/{number}"
    pull["updated_at"] = moment
    if pull.get("closed_at"):
        pull["closed_at"] = moment
