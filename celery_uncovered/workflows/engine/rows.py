"""What the engine writes, as plain rows."""

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple


class StepRow(NamedTuple):
    """A record on its way into the table of steps. ``ended_at`` is in seconds since 1970."""

    run_id: str
    epoch: int
    number: int
    branch: str
    label: str
    kind: str
    digest: str
    is_error: bool
    value: str
    attempts: int
    ended_at: float
    seconds: float


class WaitRow(NamedTuple):
    run_id: str
    epoch: int
    branch: str
    label: str
    kind: str
    key: str | None
    attempts: int
    error: str
    due_at: datetime | None


class EndRow(NamedTuple):
    """How a run ends, or parks until somebody acts. ``history_from`` is given when it begins anew."""

    run_id: str
    epoch: int
    state: str
    result: str | None = None
    error: str = ""
    error_type: str = ""
    traceback: str = ""
    blocked_code: str = ""


class ClaimedRun(NamedTuple):
    id: str
    epoch: int
    workflow: str
    args: str
    history_from: int
    events_since: datetime
    crashes: int
    scope: str | None

    @classmethod
    def of(cls, row: Any) -> "ClaimedRun":
        return cls(*row)


class Taken(Enum):
    """What became of an event that a run wanted to take."""

    YES = 1
    BY_ANOTHER = 2
    #: The run itself is another process's.
    FENCED = 3


class Ended(NamedTuple):
    """``woken`` waited for those that ended."""

    ended: frozenset[str]
    woken: list[str]
