"""The choices that a report is asked with, and what they mean."""

import re
from collections.abc import Collection
from datetime import date, timedelta

DAYS = {"day": 1, "week": 7, "month": 30}
PERIODS = tuple(DAYS)
GROUPINGS = ("topic", "language")

_EARLIEST = date.min + timedelta(days=max(DAYS.values()))
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadInput(ValueError):  # noqa: N818  # the name says what happened
    """A value that a report cannot be made with; the message is one sentence naming it."""


def since(period: str, ref_date: date) -> date:
    """The first day of the period that ends at ``ref_date``; raises BadInput."""
    days = DAYS[parse_period(period)]
    if ref_date < _EARLIEST:
        raise BadInput(_too_early(ref_date))
    return ref_date - timedelta(days=days)


def parse_period(value: object) -> str:
    """One of PERIODS; raises BadInput."""
    return _chosen("Period", value, PERIODS)


def parse_grouping(value: object) -> str:
    """One of GROUPINGS; raises BadInput."""
    return _chosen("Grouping", value, GROUPINGS)


def parse_ref_date(value: object, *, today: date) -> date:
    """A day written YYYY-MM-DD, at the latest ``today``; raises BadInput."""
    if not isinstance(value, str) or not _ISO_DATE.fullmatch(value):
        raise BadInput(_no_date(value))
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise BadInput(_no_date(value)) from None
    if day > today:
        message = f"Reference date {value} is in the future; choose {today} or a day before."
        raise BadInput(message)
    if day < _EARLIEST:
        raise BadInput(_too_early(day))
    return day


def _chosen(name: str, value: object, choices: Collection[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        message = f"{name} {_shown(value)} is not known; choose one of: {', '.join(choices)}."
        raise BadInput(message)
    return value


def _no_date(value: object) -> str:
    return f"Reference date {_shown(value)} is not a date; write it as YYYY-MM-DD."


def _too_early(day: date) -> str:
    return f"Reference date {day} is too early; choose {_EARLIEST} or a day after."


def _shown(value: object) -> str:
    text = str(value)
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'  # noqa: PLR2004  # fits a line
