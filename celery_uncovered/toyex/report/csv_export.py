"""The report as CSV (RFC 4180): UTF-8 without BOM, CRLF, one row per repository and group.

A spreadsheet runs a cell as a formula when it begins with ``=``, ``+``, ``-``, ``@``, tab or CR;
with some languages set also with the full-width form of the first four. Such a text gets a leading
``'``, and so does a text that begins with ``'`` signs before one of these, so that ``undo_prefix``
always takes away exactly the one that was added. Nothing else is changed: after a space, a line
feed or a quote these characters are text to a spreadsheet already. Only NUL and lone surrogates,
which UTF-8 or the readers of CSV cannot carry, become U+FFFD.

Every text is quoted, so that a reader that splits at ``;`` or tab as well, as LibreOffice's dialog
offers, keeps the columns and makes no cell that was never checked. One that splits at ``;`` alone
still does: the separator is the comma.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from celery_uncovered.toyex.github.text import storable
from celery_uncovered.toyex.report.ranking import Group, Ranked

HEADER = (
    "group",
    "rank",
    "full_name",
    "stars",
    "forks",
    "language",
    "topics",
    "created",
    "url",
    "description",
)

_DANGEROUS = "[-=+@\t\r\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(f"'*{_DANGEROUS}")
_PREFIXED = re.compile(f"'+{_DANGEROUS}")

Cell = str | int


class BinaryFile(Protocol):
    def write(self, data: bytes, /) -> object: ...


def write_csv(groups: Iterable[Group], file: BinaryFile) -> None:
    """Write header and rows to a file that is open for bytes; it stays open."""
    out = _Encoder(file)
    csv.writer(out, lineterminator="\r\n").writerow(HEADER)
    body = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    body.writerows(rows(groups))


def rows(groups: Iterable[Group]) -> Iterator[tuple[Cell, ...]]:
    """The rows below the header, in the order of the groups, then by rank; texts made harmless."""
    for group in groups:
        for ranked in group.rows:
            yield tuple(
                harmless(cell) if isinstance(cell, str) else cell
                for cell in _cells(group.name, ranked)
            )


def harmless(text: str) -> str:
    """``text`` as a spreadsheet shows it and runs nothing."""
    text = storable(text)
    return f"'{text}" if _FORMULA.match(text) else text


def undo_prefix(cell: str) -> str:
    """The reverse of ``harmless``: takes away the one ``'`` that it added, if it did."""
    return cell[1:] if _PREFIXED.match(cell) else cell


def _cells(group: str, ranked: Ranked) -> tuple[Cell, ...]:
    one = ranked.repository
    return (
        group,
        ranked.rank,
        one.full_name,
        one.stars,
        one.forks,
        one.language or "",
        ";".join(one.topics),
        one.created,
        one.url,
        one.description or "",
    )


class _Encoder:
    """A text file over a binary one, without a buffer that somebody must flush."""

    def __init__(self, file: BinaryFile) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8"))
