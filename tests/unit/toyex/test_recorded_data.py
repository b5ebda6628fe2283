"""Stand-in, client and report together, against a computation that shares no code with them."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import celery_uncovered
from celery_uncovered.toyex.github import Repository, SearchClient
from celery_uncovered.toyex.report import group, since, top, write_csv
from celery_uncovered.toyex.standin import RECORDED_TODAY
from celery_uncovered.toyex.standin.server import StandIn

DATA = Path(celery_uncovered.__file__).parent / "toyex/standin/data/repositories.json"
WINDOWS = {
    "day": ("2026-05-03", 78, 78),
    "week": ("2026-04-27", 620, 500),
    "month": ("2026-04-04", 1573, 500),
}


def fetched(url: str, period: str) -> tuple[int, list[Repository]]:
    with SearchClient(url) as client:
        first_day = since(period, RECORDED_TODAY)
        pages = [client.search_page(first_day, number) for number in range(1, 6)]
    return pages[0].total_count, [one for page in pages for one in page.items]


def independent_rows(period: str, by: str) -> list[list[str]]:
    """The report as the scenario words it, straight from the file."""
    first_day = WINDOWS[period][0]
    items = [
        item for item in json.loads(DATA.read_text("utf-8")) if item["created_at"] >= first_day
    ]
    items.sort(key=lambda item: item["id"])
    items.sort(key=lambda item: item["stargazers_count"], reverse=True)
    members: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for rank, item in enumerate(items[:500], start=1):
        names = item["topics"] if by == "topic" else [item["language"]] if item["language"] else []
        for name in set(names) or {"(none)"}:
            members[name].append((rank, item))
    totals = {
        name: sum(item["stargazers_count"] for _, item in rows) for name, rows in members.items()
    }
    ordered = sorted(members, key=lambda name: (-totals[name], name))
    return [_row(name, rank, item) for name in ordered for rank, item in members[name]]


def _row(name: str, rank: int, item: dict[str, Any]) -> list[str]:
    cells = [
        name,
        str(rank),
        item["full_name"],
        str(item["stargazers_count"]),
        str(item["forks_count"]),
        item["language"] or "",
        ";".join(item["topics"]),
        item["created_at"],
        item["html_url"],
        item["description"] or "",
    ]
    return ["'" + cell if cell[:1] in {"=", "+", "-", "@"} else cell for cell in cells]


def test_the_recorded_today_is_the_day_of_the_newest_repository() -> None:
    newest = max(item["created_at"] for item in json.loads(DATA.read_text("utf-8")))
    assert date.fromisoformat(newest[:10]) == RECORDED_TODAY


@pytest.mark.parametrize("by", ["topic", "language"])
@pytest.mark.parametrize("period", list(WINDOWS))
def test_the_report_is_what_the_recorded_file_says(standin: StandIn, period: str, by: str) -> None:
    _, matches, kept = WINDOWS[period]
    total, found = fetched(standin.url, period)
    ranked = top(found)
    file = io.BytesIO()
    write_csv(group(ranked, by), file)
    _, *rows = csv.reader(io.StringIO(file.getvalue().decode("utf-8"), newline=""))
    assert (total, len(ranked)) == (matches, kept)
    assert rows == independent_rows(period, by)


def test_the_pages_alone_are_not_in_the_order_of_the_report(standin: StandIn) -> None:
    """The stand-in leaves ties in disorder, so the order above is the report's own work."""
    _, found = fetched(standin.url, "month")
    stars = [one.stars for one in found]
    ids = [one.id for one in found]
    ranked_ids = [one.repository.id for one in top(found)]
    assert stars == sorted(stars, reverse=True)
    assert ids != ranked_ids
    assert sorted(ids) == sorted(ranked_ids)


def test_a_repository_that_is_on_two_pages_is_in_the_report_once(
    standin: StandIn, spoil: Callable[..., None]
) -> None:
    spoil("repeat", page=2)
    _, found = fetched(standin.url, "month")
    assert len(found) == 500
    assert len(top(found)) == 499
