"""The time bounds of lists, and addresses that hold all that a list is filtered by."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

DAY = "24h"
#: Those of a list that is never read whole.
RECENT = {DAY: timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
BOUNDS: dict[str, tuple[str, timedelta | None]] = {
    DAY: ("24 hours", RECENT[DAY]),
    "7d": ("7 days", RECENT["7d"]),
    "30d": ("30 days", RECENT["30d"]),
    "all": ("Any time", None),
}


def known_bound(name: str, offered: Collection[str] = tuple(BOUNDS)) -> str:
    return name if name in offered else DAY


def begin_of(name: str) -> datetime | None:
    """Since when the bound reaches; None for any time."""
    length = BOUNDS[name][1]
    return None if length is None else timezone.now() - length


def address_with(address: dict[str, str], **changes: str) -> str:
    """The query of the page with these values changed; what is empty is left out."""
    wanted = address | changes
    kept = {
        name: value for name, value in wanted.items() if value and (name, value) != ("within", DAY)
    }
    return f"?{urlencode(kept)}"


def bounds_of(address: dict[str, str], offered: Collection[str] = tuple(BOUNDS)) -> dict[str, Any]:
    """What a page shows of its bound: those offered, the current one, and the next wider one."""
    names = list(offered)
    current = names.index(address["within"])
    wider = names[current + 1] if current + 1 < len(names) else ""
    return {
        "bounds": [
            {
                "label": BOUNDS[name][0],
                "href": address_with(address, within=name),
                "is_current": name == address["within"],
            }
            for name in names
        ],
        "bound_label": BOUNDS[address["within"]][0],
        "wider": wider and {"label": BOUNDS[wider][0], "href": address_with(address, within=wider)},
    }
