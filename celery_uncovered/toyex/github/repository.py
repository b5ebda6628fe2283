"""One repository, as the report needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from celery_uncovered.toyex.github.errors import BrokenAnswer
from celery_uncovered.toyex.github.text import storable


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """``created`` is the API's ISO 8601 string, ``url`` the address of its page."""

    id: int
    full_name: str
    stars: int
    forks: int
    language: str | None
    topics: tuple[str, ...]
    created: str
    url: str
    description: str | None

    @classmethod
    def from_api(cls, item: object) -> Self:
        """From an item of GitHub's answer; raises BrokenAnswer naming the field that is wrong.

        ``language``, ``description`` and ``topics`` may be null or absent; the rest may not.
        """
        if not isinstance(item, dict):
            reason = f"an item is {type(item).__name__}, not an object"
            raise BrokenAnswer(reason)
        return cls(
            id=_count(item, "id"),
            full_name=_text(item, "full_name"),
            stars=_count(item, "stargazers_count"),
            forks=_count(item, "forks_count"),
            language=_optional_text(item, "language"),
            topics=_texts(item, "topics"),
            created=_moment(item, "created_at"),
            url=_address(item, "html_url"),
            description=_optional_text(item, "description"),
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the names of the attributes; ``topics`` is a list."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "topics": list(self.topics)
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of ``to_json``; trusts its input and raises KeyError or TypeError."""
        return cls(**{**value, "topics": tuple(value["topics"])})


def _count(item: dict[str, Any], field: str) -> int:
    value = item.get(field)
    if type(value) is not int or value < 0:
        raise _broken(field, "a whole number")
    return value


def _text(item: dict[str, Any], field: str) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not value:
        raise _broken(field, "a text")
    return storable(value)


def _optional_text(item: dict[str, Any], field: str) -> str | None:
    value = item.get(field)
    if value is not None and not isinstance(value, str):
        raise _broken(field, "a text or null")
    return None if value is None else storable(value)


def _texts(item: dict[str, Any], field: str) -> tuple[str, ...]:
    value = item.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _broken(field, "a list of texts")
    return tuple(storable(text) for text in value)


def _moment(item: dict[str, Any], field: str) -> str:
    value = _text(item, field)
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise _broken(field, "a time in ISO 8601") from None
    return value


def _address(item: dict[str, Any], field: str) -> str:
    value = _text(item, field)
    if not value.startswith(("https://", "http://")):  # pages make a link of it
        raise _broken(field, "a web address")
    return value


def _broken(field: str, wanted: str) -> BrokenAnswer:
    return BrokenAnswer(f'"{field}" of a repository is not {wanted}')
