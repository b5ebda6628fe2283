"""One page of search results."""

import json
from dataclasses import dataclass
from typing import Any, Self

from celery_uncovered.toyex.github.errors import BrokenAnswer
from celery_uncovered.toyex.github.repository import Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPage:
    """``total_count`` counts all matches, of which GitHub shows the first 1,000 at most.

    ``incomplete_results`` is GitHub's own word that its search ran out of time.
    """

    items: tuple[Repository, ...]
    total_count: int
    incomplete_results: bool

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """From the body of a 200; raises BrokenAnswer with the reason."""
        answer = _object(body)
        return cls(
            items=tuple(Repository.from_api(item) for item in _member(answer, "items", list)),
            total_count=_member(answer, "total_count", int),
            incomplete_results=_member(answer, "incomplete_results", bool),
        )


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        reason = "it is not JSON"
        raise BrokenAnswer(reason) from None
    if not isinstance(answer, dict):
        reason = "it is not a JSON object"
        raise BrokenAnswer(reason)
    return answer


def _member(answer: dict[str, Any], name: str, kind: type) -> Any:
    if type(answer.get(name)) is not kind:
        reason = f'"{name}" is missing or of a wrong type'
        raise BrokenAnswer(reason)
    return answer[name]
