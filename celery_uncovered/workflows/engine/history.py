"""What a run has recorded, as its branches ask for it while the code is replayed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from celery_uncovered.workflows.engine import recorded_errors
from celery_uncovered.workflows.values import decode


class Record(NamedTuple):
    """One recorded thing; ``value`` is a JSON text."""

    branch: str
    label: str
    kind: str
    digest: str
    is_error: bool
    value: str

    def outcome(self) -> Any:
        """The value; raises the error, where that was the outcome."""
        if self.is_error:
            raise recorded_errors.error_of(self.value)
        return decode(self.value)


class StoredWait(NamedTuple):
    """A wait of an earlier time: what it waits for, and since when."""

    kind: str
    key: str | None
    attempts: int
    due_at: datetime | None
    error: str


@dataclass(kw_only=True)
class History:
    """Loaded once, when the run is claimed. ``next_number`` is that of the next record."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    waits: dict[tuple[str, str], StoredWait] = field(default_factory=dict)
    next_number: int = 0
    count: int = 0

    def of(self, branch: str) -> list[Record]:
        return self.records.get(branch, [])
