"""The numbered behaviours of docs/reference/behaviours: which exist, which are due, and where."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.servers.session import ROOT

FOLDER = ROOT / "docs/reference/behaviours"
NUMBER = re.compile(r"^- ([A-Z]\d+) ", re.MULTILINE)

BOTH = frozenset({"embedded", "servers"})
#: Where a behaviour must hold, by its letter; "any" is a test on any stack or on none.
STACKS = {"J": BOTH, "D": BOTH, "F": frozenset({"any"}), "E": frozenset({"any"})}
#: What names a server in its text holds there alone.
EXCEPTIONS = {number: frozenset({"servers"}) for number in ("J21", "J22", "J28")}


@dataclass(frozen=True, kw_only=True)
class Numbers:
    known: frozenset[str]
    not_due: frozenset[str]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "Numbers":
        known = frozenset(
            number for page in folder.glob("*.md") for number in NUMBER.findall(page.read_text())
        )
        lines = (folder / "not-due.txt").read_text().splitlines()
        not_due = frozenset(word for line in lines for word in line.partition("#")[0].split())
        if unknown := not_due - known:
            message = f"{folder / 'not-due.txt'} names {', '.join(sorted(unknown))}: no page does."
            raise ValueError(message)
        return cls(known=known, not_due=not_due)

    @property
    def due(self) -> list[str]:
        return sorted(self.known - self.not_due, key=lambda number: (number[0], int(number[1:])))


def stacks_of(number: str) -> frozenset[str]:
    return EXCEPTIONS.get(number) or STACKS[number[0]]
