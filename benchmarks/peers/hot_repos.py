"""The report as a plain script has it: requests for a page, csv for the file."""

import csv
import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

PAGES = (1, 2, 3, 4, 5)
PER_PAGE = 100
LIMIT = 500

Row = dict[str, Any]


def fetch_page(page: int, session: requests.Session | None = None) -> list[Row]:
    """The repositories of one page."""
    answer = (session or requests).get(
        f"{os.environ['GITHUB_API_URL']}/search/repositories",
        params={
            "q": f"created:>={os.environ['SINCE']}",
            "sort": "stars",
            "order": "desc",
            "per_page": str(PER_PAGE),
            "page": str(page),
        },
        timeout=30,
    )
    answer.raise_for_status()
    return [row(item) for item in answer.json()["items"]]


def row(item: dict[str, Any]) -> Row:
    return {
        "id": item["id"],
        "full_name": item["full_name"],
        "stars": item["stargazers_count"],
        "forks": item["forks_count"],
        "language": item["language"] or "(none)",
        "topics": ";".join(item.get("topics", [])),
        "created": item["created_at"],
        "url": item["html_url"],
        "description": item["description"] or "",
    }


def write_report(pages: Iterable[list[Row]], path: Path) -> int:
    """The hottest, by language, most stars in total first; returns the number of rows."""
    distinct = {one["id"]: one for page in pages for one in page}
    hottest = sorted(distinct.values(), key=lambda one: (-one["stars"], one["id"]))[:LIMIT]
    groups = [
        (language, list(rows))
        for language, rows in itertools.groupby(
            sorted(hottest, key=lambda one: one["language"]), key=lambda one: one["language"]
        )
    ]
    groups.sort(key=lambda group: -sum(one["stars"] for one in group[1]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(hottest[0]))
        writer.writeheader()
        for _, rows in groups:
            writer.writerows(rows)
    return len(hottest)
