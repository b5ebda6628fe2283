"""``GET /search/repositories`` over the recorded items: filter, order, cut, link."""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlencode

from celery_uncovered.toyex.standin import answers
from celery_uncovered.toyex.standin.answers import Answer
from celery_uncovered.toyex.standin.query import BadQueryError, parse_query
from celery_uncovered.toyex.standin.records import Item

PATH = "/search/repositories"
#: Results beyond these cannot be seen.
SHOWN = 1000
LONGEST_QUERY = 256
MOST_PER_PAGE = 100
DEFAULT_PER_PAGE = 30

_SORTED_BY = {"forks": "forks_count", "updated": "updated_at"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Paging:
    page: int
    per_page: int

    @classmethod
    def of(cls, params: Mapping[str, str]) -> "Paging":
        """Numbers that are none, or below 1, count as absent."""
        per_page = _number(params.get("per_page")) or DEFAULT_PER_PAGE
        return cls(page=_number(params.get("page")) or 1, per_page=min(per_page, MOST_PER_PAGE))


def search(items: Sequence[Item], params: Mapping[str, str], base_url: str) -> Answer:
    """The answer to these parameters; ``base_url`` begins the addresses of the Link header."""
    query = params.get("q", "")
    if not query.strip():
        return answers.recorded("query-missing")
    if len(query) > LONGEST_QUERY:
        return answers.recorded("query-too-long")
    try:
        matches = parse_query(query)
    except BadQueryError:
        return answers.recorded("query-refused")
    paging = Paging.of(params)
    start = (paging.page - 1) * paging.per_page
    if start >= SHOWN:
        return answers.recorded("past-1000")
    found = _ordered(filter(matches, items), params)
    return answers.of_json(
        _body(len(found), found[start : min(start + paging.per_page, SHOWN)]),
        headers=_links(params, paging, len(found), base_url),
    )


def _ordered(items: Iterable[Item], params: Mapping[str, str]) -> list[Item]:
    """By the number that is asked for; ties are in disorder, the same one each time.

    GitHub promises no order of ties. Here they are those of the ids, but shuffled by a checksum
    within each hundred: a reader must order them himself, and yet the first five hundred are
    the same set for everybody, also where a tie lies across the cut.
    """
    value = _sort_value(params)
    ordered = sorted(items, key=lambda item: (value(item), item["id"]))
    return [
        item
        for start in range(0, len(ordered), MOST_PER_PAGE)
        for item in sorted(
            ordered[start : start + MOST_PER_PAGE], key=lambda one: (value(one), _disorder(one))
        )
    ]


def _sort_value(params: Mapping[str, str]) -> Callable[[Item], Any]:
    name = _SORTED_BY.get(params.get("sort", ""), "stargazers_count")
    if params.get("order") == "asc" and "sort" in params:
        return lambda item: item[name]
    if name == "updated_at":
        return lambda item: _Reversed(item[name])
    return lambda item: -item[name]


def _disorder(item: Item) -> int:
    return zlib.crc32(str(item["id"]).encode())


class _Reversed(str):
    """A text that sorts the other way round."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


def _body(total: int, items: Sequence[Item]) -> dict[str, Any]:
    return {"total_count": total, "incomplete_results": False, "items": list(items)}


def _links(params: Mapping[str, str], paging: Paging, total: int, base_url: str) -> dict[str, str]:
    last = ceil(min(total, SHOWN) / paging.per_page)
    pages: dict[str, int] = {}
    if paging.page > 1:
        pages["prev"] = paging.page - 1
    if paging.page < last:
        pages |= {"next": paging.page + 1, "last": last}
    if paging.page > 1:
        pages["first"] = 1
    links = [
        f'<{base_url}{PATH}?{urlencode({**params, "page": page})}>; rel="{name}"'
        for name, page in pages.items()
    ]
    return {"Link": ", ".join(links)} if links else {}


def _number(text: str | None) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        return 0
    return int(text[:9])
