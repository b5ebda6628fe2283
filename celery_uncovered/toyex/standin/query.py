"""The query language, as far as repositories are searched with it here."""

import re
import shlex
from collections.abc import Callable
from datetime import date

from celery_uncovered.toyex.standin.records import Item

Test = Callable[[Item], bool]


class BadQueryError(ValueError):
    """A qualifier or a value that the search does not know."""


def parse_query(text: str) -> Test:
    """True for the items that meet every part of ``text``; raises BadQueryError.

    Parts: ``created:`` and ``stars:`` with ``>=``, ``>``, ``<=``, ``<``, ``A..B`` (either may be
    ``*``) or one value; ``language:`` and ``topic:``; other words are looked for in name and
    description.
    """
    tests = [_parse_part(part) for part in _parts(text)]
    if not tests:
        raise BadQueryError(text)
    return lambda item: all(test(item) for test in tests)


def _parts(text: str) -> list[str]:
    words = shlex.shlex(text, posix=True)
    words.whitespace_split = True
    words.commenters = ""
    words.quotes = '"'
    words.escape = ""
    try:
        return list(words)
    except ValueError as error:  # a quote that is never closed
        raise BadQueryError(text) from error


def _parse_part(part: str) -> Test:
    name, colon, value = part.partition(":")
    if not colon:
        return _word(part.lower())
    if name not in _QUALIFIERS or not value:
        raise BadQueryError(part)
    return _QUALIFIERS[name](value)


def _word(word: str) -> Test:
    return lambda item: word in f"{item['name']}\n{item['description'] or ''}".lower()


def _created(value: str) -> Test:
    within = _range(value, _day)
    return lambda item: within(date.fromisoformat(item["created_at"][:10]).toordinal())


def _stars(value: str) -> Test:
    within = _range(value, _whole_number)
    return lambda item: within(item["stargazers_count"])


def _language(value: str) -> Test:
    return lambda item: (item["language"] or "").lower() == value.lower()


def _topic(value: str) -> Test:
    return lambda item: value.lower() in item["topics"]


def _range(value: str, read: Callable[[str], int]) -> Callable[[int], bool]:
    """Days count as whole: ``<=`` and ``..`` include the last one, ``>`` begins after it."""
    if ".." in value:
        low, high = (None if end == "*" else read(end) for end in value.split("..", 1))
        return lambda n: (low is None or n >= low) and (high is None or n <= high)
    sign, bound = _COMPARISON.fullmatch(value).groups()  # type: ignore[union-attr]  # matches all
    limit = read(bound)
    return {
        ">=": lambda n: n >= limit,
        ">": lambda n: n > limit,
        "<=": lambda n: n <= limit,
        "<": lambda n: n < limit,
        "": lambda n: n == limit,
    }[sign]


def _day(text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise BadQueryError(text) from None


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise BadQueryError(text)
    return int(text)


_COMPARISON = re.compile(r"(>=|>|<=|<|)(.*)", re.DOTALL)
_QUALIFIERS = {"created": _created, "stars": _stars, "language": _language, "topic": _topic}
