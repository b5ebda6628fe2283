"""What a page shows of a report without reading its file."""

from collections.abc import Sequence
from typing import Any

from celery_uncovered.toyex.report.ranking import Group, Ranked

TOP_GROUPS = 10
FIRST_ROWS = 10


def summarise(ranked: Sequence[Ranked], groups: Sequence[Group]) -> dict[str, Any]:
    """A JSON-safe object.

    ``repositories``, ``group_count``, ``row_count`` (of the CSV) and ``stars`` are counts;
    ``groups`` are the first ten as ``name``, ``stars``, ``repositories``; ``rows`` the ten
    repositories of the best rank, with the names of the CSV's columns (``topics`` is a list,
    ``language`` and ``description`` may be null, nothing has a leading ``'``).
    """
    return {
        "repositories": len(ranked),
        "group_count": len(groups),
        "row_count": sum(len(group.rows) for group in groups),
        "stars": sum(one.repository.stars for one in ranked),
        "groups": [_group(group) for group in groups[:TOP_GROUPS]],
        "rows": [_row(one) for one in ranked[:FIRST_ROWS]],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "stars": group.total_stars,
        "repositories": len(group.rows),
    }


def _row(one: Ranked) -> dict[str, Any]:
    record = one.repository.to_json()
    del record["id"]
    return {"rank": one.rank, **record}
