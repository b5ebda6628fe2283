"""Times and durations in few words; ``page.js`` says them the same way."""

from datetime import datetime, timedelta

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_TENTHS_BELOW = 10


def duration_words(value: timedelta) -> str:
    """0.3 s, 12 s, 4 min 5 s, 2 h 3 min, 3 d 4 h."""
    seconds = max(value.total_seconds(), 0)
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f} s"
    left = int(seconds)
    parts = []
    for size, unit in (*_UNITS, (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append((size, f"{count} {unit}"))
    return _two(parts)


def relative_words(moment: datetime, now: datetime) -> str:
    """Just now, 12 s ago, 4 min ago, in 3 h."""
    seconds = int((now - moment).total_seconds())
    if abs(seconds) < 1:
        return "just now"
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), (1, "s"))
    amount = f"{abs(seconds) // size} {unit}"
    return f"{amount} ago" if seconds > 0 else f"in {amount}"


def _two(parts: list[tuple[int, str]]) -> str:
    """The largest unit and the one right below it, if it counts anything."""
    order = [size for size, _ in _UNITS] + [1]
    first = order.index(parts[0][0])
    return " ".join(text for size, text in parts if order.index(size) <= first + 1)
