"""The report computed a second time, plainly, from the recorded data: no code of the project."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.servers.session import ROOT

DATA = ROOT / "celery_uncovered/toyex/standin/data/repositories.json"
HEADER = ["group", "rank", "full_name", "stars", "forks"]
HEADER += ["language", "topics", "created", "url", "description"]
#: The first day of each period that ends on 2026-05-04.
FIRST_DAYS = {"day": "2026-05-03", "week": "2026-04-27", "month": "2026-04-04"}
MATCHES = {"day": 78, "week": 620, "month": 1573}
#: What a spreadsheet takes for the beginning of a formula.
FORMULA = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001  # the full-width forms too

Row = list[str]


def matching(period: str, data: Path = DATA) -> list[dict[str, Any]]:
    """The recorded repositories of the period, in the order of their rank."""
    repositories = json.loads(data.read_text())
    found = [one for one in repositories if one["created_at"] >= FIRST_DAYS[period]]
    return sorted(found, key=lambda one: (-one["stargazers_count"], one["id"]))


def expected_rows(period: str, group_by: str) -> list[Row]:
    """All rows below the header."""
    members: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for rank, one in enumerate(matching(period)[:500], start=1):
        names = one["topics"] if group_by == "topic" else [one["language"]]
        for name in set(filter(None, names)) or {"(none)"}:
            members.setdefault(name, []).append((rank, one))

    def order(name: str) -> tuple[int, str]:
        return -sum(one["stargazers_count"] for _, one in members[name]), name

    return [
        row(name, rank, one) for name in sorted(members, key=order) for rank, one in members[name]
    ]


def row(group: str, rank: int, one: dict[str, Any]) -> Row:
    return [
        group,
        str(rank),
        one["full_name"],
        str(one["stargazers_count"]),
        str(one["forks_count"]),
        one["language"] or "",
        ";".join(one["topics"]),
        one["created_at"],
        one["html_url"],
        one["description"] or "",
    ]


def read_back(file: bytes) -> list[Row]:
    """The rows of a report's file below its header, without the documented ``'``."""
    header, *rows = csv.reader(io.StringIO(file.decode(), newline=""), strict=True)
    assert header == HEADER
    return [[without_prefix(cell) for cell in row] for row in rows]


def without_prefix(cell: str) -> str:
    text = cell.lstrip("'")
    return cell[1:] if cell.startswith("'") and text.startswith(FORMULA) else cell
