"""What a comparison is: its sides, the figures of each, and the goals that they are held to."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from benchmarks.record import Record, Samples

#: Starts what a side needs, measures it, ends it again; the samples of one turn.
Turn = Callable[[], Samples]


@dataclass(frozen=True, kw_only=True)
class Side:
    name: str
    title: str
    is_peer: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A column of the table; ``name`` is that of the samples."""

    name: str
    title: str
    digits: int = 3


@dataclass(frozen=True, kw_only=True)
class Goal:
    """``kind`` says what of the samples is held to ``bound``; ``peer`` is the side of comparison."""

    text: str
    side: str
    figure: str
    bound: float
    kind: Literal["median at most", "median at least", "each at least", "times the peer's at least"]
    digits: int = 3
    peer: str = ""

    def reached(self, record: Record) -> float:
        if self.kind == "each at least":
            return min(record.samples(self.side, self.figure))
        median = record.median(self.side, self.figure)
        return median / record.median(self.peer, self.figure) if self.peer else median

    def is_met(self, record: Record) -> bool:
        reached = self.reached(record)
        return reached <= self.bound if self.kind == "median at most" else reached >= self.bound


def no_details(record: Record) -> str:  # noqa: ARG001  # most comparisons have none
    return ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """``open(samples)`` starts what all sides share and gives each side's turn by its name.

    ``headline`` is the figure (less is better) whose medians are compared with the peers';
    ``details`` adds to the section what no table of figures shows.
    """

    name: str
    question: str
    sides: tuple[Side, ...]
    figures: tuple[Figure, ...]
    headline: str
    goals: tuple[Goal, ...]
    samples: int
    #: The fewest that count as a result.
    rounds: int = 3
    open: Callable[[int], AbstractContextManager[Mapping[str, Turn]]]
    details: Callable[[Record], str] = no_details
