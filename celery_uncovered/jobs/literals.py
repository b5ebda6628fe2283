"""Dictionaries that look like kombu's tags for dates and the like, and mean themselves.

What kombu cannot write in JSON it writes as ``{"__type__": "date", "__value__": ...}``, and reads each
dictionary with just these two keys as such a tag, or raises ValueError. A webhook may send one,
whatever it means by it. So such a dictionary is written as a tag of its own.
"""

from collections.abc import Callable
from typing import Any

from kombu.utils.json import dumps as _dumps
from kombu.utils.json import register_type

TYPE = "literal"
_NAMES = {"__type__", "__value__"}
#: How such a dictionary begins in JSON.
TYPE_NAME = '"__type__"'


class Literal(dict[str, Any]):
    """One that was read; it means itself wherever it goes."""


class _Tagged:
    def __init__(self, values: list[Any]) -> None:
        self.values = values


def _read(values: list[Any]) -> Any:
    kind, value = values
    return Literal({"__type__": kind, "__value__": value})


register_type(_Tagged, TYPE, lambda tagged: tagged.values, _read)


def dumps(value: Any, *, is_meant: Callable[[Any], bool] = lambda _: False) -> str:
    """``value`` as strict JSON text (no NaN) with kombu's tags, which ``loads`` makes ``value`` of again.

    A dictionary that ``is_meant`` as the tag that it looks like is written as it is.
    """
    text = str(_dumps(value, allow_nan=False, ensure_ascii=False))
    if TYPE_NAME not in text:
        return text
    tagged = with_tags(value, is_meant)
    return text if tagged is value else str(_dumps(tagged, allow_nan=False, ensure_ascii=False))


def with_tags(value: Any, is_meant: Callable[[Any], bool] = lambda _: False) -> Any:
    """``value`` itself, or a copy in which what only looks like a tag is one of ours."""
    if isinstance(value, dict):
        if is_tag(value):
            inside = [value["__type__"], value["__value__"]]
            return value if is_meant(value) else _Tagged(with_tags(inside, is_meant))
        new = {key: with_tags(inner, is_meant) for key, inner in value.items()}
        return value if all(new[key] is inner for key, inner in value.items()) else new
    if isinstance(value, (list, tuple)):
        items = [with_tags(inner, is_meant) for inner in value]
        return value if all(map(_is, items, value)) else items
    return value


def as_written(found: dict[str, Any]) -> dict[str, Any]:
    """For plain JSON: the dictionary that a tag of ours stands for, or ``found`` itself."""
    return dict(_read(found["__value__"])) if is_tag(found) and found["__type__"] == TYPE else found


def is_tag(value: dict[str, Any]) -> bool:
    return value.keys() == _NAMES


def _is(one: Any, other: Any) -> bool:
    return one is other
