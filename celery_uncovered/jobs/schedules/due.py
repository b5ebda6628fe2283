"""One due time of a schedule."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Due:
    """``at`` is in UTC; ``note`` says in a sentence what a change of the clocks did to it, if any."""

    at: datetime
    note: str = ""
