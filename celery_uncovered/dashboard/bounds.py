"""The time bounds of lists, and addresses that hold all that a list is filtered by."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

DAY = "24h"
BOUNDS: dict[str, tuple[str, timedelta | None]] = {
    DAY: ("24 hours", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "all": ("Any time", None),
}


def known_bound(name: str) -> str:
    return name if name in BOUNDS else DAY


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


def bounds_of(address: dict[str, str]) -> dict[str, Any]:
    """What a page shows of its bound: all of them, the current one, and the next wider one."""
    names = list(BOUNDS)
    current = names.index(address["within"])
    wider = names[current + 1] if current + 1 < len(names) else ""
    return {
        "bounds": [
            {
                "label": label,
                "href": address_with(address, within=name),
                "is_current": name == address["within"],
            }
            for name, (label, _) in BOUNDS.items()
        ],
        "bound_label": BOUNDS[address["within"]][0],
        "wider": wider and {"label": BOUNDS[wider][0], "href": address_with(address, within=wider)},
    }
