"""A scope as the JSON text that travels in the header of a message.

All that is stored of a scope comes from ``encode``, and all that people see of it from ``shown``: what
must be hidden in either is hidden here.
"""

import json
from collections.abc import Mapping
from typing import Any

from kombu.utils.json import loads

from celery_uncovered.jobs import sealing
from celery_uncovered.jobs.errors import ScopeNotJsonError, ScopeTooLargeError

SCOPE_HEADER = "scope"
#: The most bytes of a scope as JSON; it is in every message, and in every row.
LARGEST = 4096

_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def encode(values: Mapping[str, Any]) -> str | None:
    """The header of a scope; None for one in which nothing is said.

    Raises ScopeNotJsonError, or ScopeTooLargeError beyond LARGEST.
    """
    if not values:
        return None
    try:
        text = _ENCODER.encode(values)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ScopeNotJsonError(", ".join(values), str(error)) from error
    if size > LARGEST:
        raise ScopeTooLargeError(size, LARGEST)
    return sealing.seal(text)


def decode(header: Any) -> dict[str, Any]:
    """The values in a header, whoever made it, opened; none in a header that is no scope.

    Raises SealBrokenError.
    """
    if isinstance(header, str):
        try:
            header = (
                sealing.opened(loads(header))
                if sealing.holds_sealed(header)
                else json.loads(header)
            )
        except ValueError:
            return {}
    return header if isinstance(header, dict) else {}


def as_text(header: Any) -> str | None:
    """A header that has arrived, as text; whoever sent it, this raises nothing."""
    if header is None or isinstance(header, str):
        return header
    return json.dumps(header, default=str)


def copied(name: str, value: Any) -> Any:
    """``value`` as it will arrive. Raises ScopeNotJsonError where that is not what was given."""
    try:
        arrived = json.loads(_ENCODER.encode(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ScopeNotJsonError(name, str(error)) from error
    if arrived != value:
        raise ScopeNotJsonError(name, f"{value!r:.80} would arrive as {arrived!r:.80}")
    return arrived


def shown(headers: Mapping[str, Any]) -> dict[str, Any]:
    """What people may see of the scope in a message's headers."""
    header = headers.get(SCOPE_HEADER)
    text = header if isinstance(header, str) else json.dumps(header, default=str)
    try:
        values = sealing.shown(text, is_plain=True)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
