"""The raw figures of one run of a comparison: kept as JSON, so that RESULTS.md can be made anew."""

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

FOLDER = Path(__file__).parent / "results"

#: The samples of each figure, in the order they were taken.
Samples = dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class TurnRecord:
    """What one side gave in one round; rounds count from 1."""

    round: int
    side: str
    samples: Samples


@dataclass(frozen=True, kw_only=True)
class Record:
    """``environment`` is what benchmarks.environment says; ``measured_at`` is ISO 8601 in UTC."""

    comparison: str
    measured_at: str
    rounds: int
    environment: dict[str, Any]
    turns: list[TurnRecord]

    @classmethod
    def read(cls, comparison: str) -> Self | None:
        path = path_of(comparison)
        if not path.exists():
            return None
        values = json.loads(path.read_text())
        return cls(**values | {"turns": [TurnRecord(**turn) for turn in values["turns"]]})

    def write(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        path_of(self.comparison).write_text(json.dumps(asdict(self), indent=1) + "\n")

    def samples(self, side: str, figure: str) -> list[float]:
        """Those of all rounds; empty where the side has no such figure."""
        turns = [turn for turn in self.turns if turn.side == side]
        return [value for turn in turns for value in turn.samples.get(figure, [])]

    def median(self, side: str, figure: str) -> float:
        return statistics.median(self.samples(side, figure))

    def medians_of_rounds(self, side: str, figure: str) -> list[float]:
        turns = [turn for turn in self.turns if turn.side == side and turn.samples.get(figure)]
        return [statistics.median(turn.samples[figure]) for turn in turns]


def path_of(comparison: str) -> Path:
    return FOLDER / f"{comparison}.json"
