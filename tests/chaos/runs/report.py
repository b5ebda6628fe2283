"""What a run of chaos came to."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Report:
    """``problems`` is empty where all is well.

    ``claims`` counts how often runs were taken up, ``begun_again`` the steps that were done again.
    """

    stack: str
    seed: int
    measured_at: str
    machine: str
    runs: int
    steps: int
    events: int
    booked: int
    seconds: float
    kills: dict[str, int]
    restarts: dict[str, int]
    crashes: list[str]
    claims: int
    taken_over: int
    begun_again: int
    dead_letters: int
    problems: list[str]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def text(self) -> str:
        figures = [f"{name:<12} {value}" for name, value in asdict(self).items()]
        return "\n".join([*figures, *(f"PROBLEM: {problem}" for problem in self.problems)])

    @property
    def in_vain(self) -> int:
        """Celery ends a worker whose children die before it has begun."""
        return sum("Could not start worker processes" in crash for crash in self.crashes)

    def rows(self) -> list[tuple[str, str]]:
        return [
            ("stack", self.stack),
            ("runs, with their children", f"{self.runs:,}"),
            ("records in their histories", f"{self.steps:,}"),
            ("events", f"{self.events:,}"),
            ("rows of atomic steps", f"{self.booked:,}"),
            ("seconds", f"{self.seconds:,.0f}"),
            *((f"killed: {kind}", f"{times:,}") for kind, times in sorted(self.kills.items())),
            *(
                (f"started again: {kind}", f"{times:,}")
                for kind, times in sorted(self.restarts.items())
            ),
            (
                "workers that ended since their children were killed as they started",
                f"{self.in_vain}",
            ),
            ("ended although nobody killed it", f"{len(self.crashes) - self.in_vain}"),
            ("runs that a dying process held when it mattered last", f"{self.taken_over:,}"),
            ("steps that were done again", f"{self.begun_again:,}"),
            ("dead letters, which were resumed", f"{self.dead_letters:,}"),
            ("lost, done twice, or otherwise wrong", f"{len(self.problems)}"),
        ]
