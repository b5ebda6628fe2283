"""What a run of chaos left behind: the tables, and the lines of those who did something."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.chaos.evidence import lines
from tests.stacks import Stack

INSIDE = "tests.chaos.runs.inside"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """``runs`` by their key; ``steps`` by the run's id.

    ``begun`` has for each journey (place, token) in the order in which they began, ``bookings`` the
    tokens of the rows at each ``journey|place``.
    """

    runs: dict[str, dict[str, Any]]
    steps: dict[str, list[list[Any]]]
    events: list[list[Any]]
    begun: dict[str, list[tuple[str, str]]]
    bookings: dict[str, list[str]]

    @classmethod
    def of(cls, stack: Stack) -> Self:
        steps: dict[str, list[list[Any]]] = defaultdict(list)
        for row in stack.call(f"{INSIDE}:steps", timeout=180):
            steps[row[0]].append(row)
        begun: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in lines(Path(stack.env["DATA_DIR"], "effects")):
            journey, place, token, _ = line.split("|")
            begun[journey].append((place, token))
        runs = stack.call(f"{INSIDE}:runs", timeout=180)
        return cls(
            runs={run["key"]: run for run in runs},
            steps=dict(steps),
            events=stack.call(f"{INSIDE}:events", timeout=180),
            begun=dict(begun),
            bookings=stack.call(f"{INSIDE}:bookings", timeout=180),
        )

    @property
    def repeated(self) -> int:
        """How often a step began again."""
        times = Counter(
            (journey, place) for journey in self.begun for place, _ in self.begun[journey]
        )
        return sum(times.values()) - len(times)

    @property
    def taken_over(self) -> int:
        """How many runs a process left unfinished when it died."""
        return sum(run["crashes"] > 0 for run in self.runs.values())
