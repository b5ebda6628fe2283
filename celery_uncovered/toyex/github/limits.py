"""How long GitHub asks to wait: pure rules over status, headers and message.

The order is GitHub's own ("Best practices for using the REST API"): Retry-After; then the
reset of a limit that is used up; then at least a minute, doubled at each further attempt.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

#: Seconds, the longest wait that is ever asked of the caller.
LONGEST_WAIT = 3600.0
#: Seconds, the first wait where GitHub names none.
MINIMUM_WAIT = 60.0
#: Seconds after the reset, because GitHub's clock and ours are not one.
MARGIN = 1.0

_LIMIT_WORDS = ("rate limit", "abuse detection")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,12}")
_MOST_DOUBLINGS = 16


def wait_of(
    *,
    status: int,
    headers: Mapping[str, str],
    message: str,
    now: float,
    attempt: int = 0,
    minimum_wait: float = MINIMUM_WAIT,
) -> float | None:
    """Seconds until the request may be repeated, or None when the answer is no limit.

    ``headers`` is looked up by the names below (pass a case-insensitive mapping), ``message`` is
    the body's message or text, ``now`` seconds since 1970, ``attempt`` counts from 0. Values that
    are negative or no numbers count as absent. Never below ``min(MARGIN, minimum_wait)``, so that
    nobody retries without pause, and never above ``LONGEST_WAIT``.
    """
    if not _is_limit(status, headers, message):
        return None
    margin = min(MARGIN, minimum_wait)
    wait = _asked(headers.get("Retry-After"), now)
    if wait is None:
        wait = _until_reset(headers, now, margin)
    if wait is None:
        wait = _grown(minimum_wait, attempt)
    return min(max(wait, margin), LONGEST_WAIT)


def _is_limit(status: int, headers: Mapping[str, str], message: str) -> bool:
    if status == 429:  # noqa: PLR2004  # the status has no better name
        return True
    if status != 403:  # noqa: PLR2004
        return False
    said = message.lower()
    return (
        "Retry-After" in headers
        or _number(headers.get("X-RateLimit-Remaining")) == 0
        or any(words in said for words in _LIMIT_WORDS)
    )


def _asked(value: str | None, now: float) -> float | None:
    """Retry-After: seconds, or an HTTP date (one that is past asks for no wait)."""
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return float(seconds)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(moment.timestamp() - now, 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _until_reset(headers: Mapping[str, str], now: float, margin: float) -> float | None:
    if _number(headers.get("X-RateLimit-Remaining")) != 0:
        return None
    reset = _number(headers.get("X-RateLimit-Reset"))
    return None if reset is None else max(reset - now, 0.0) + margin


def _grown(minimum_wait: float, attempt: int) -> float:
    doublings = min(max(attempt, 0), _MOST_DOUBLINGS)
    return float(minimum_wait * 2**doublings)


def _number(value: str | None) -> int | None:
    if value is None or not _WHOLE_NUMBER.fullmatch(value.strip()):
        return None
    return int(value.strip())
