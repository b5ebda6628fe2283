"""What a run of chaos does: how many journeys of each kind, how fast they begin, what is killed when."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.plan import Plan as PlanOfFaults

#: Of the long run: more than LEAST_KILLS in seven minutes.
LONG = {"worker": 0.3, "broker": 30.0, "database": 45.0, "dispatcher": 15.0}
SHORT = {"worker": 0.5, "broker": 6.0, "database": 5.0, "dispatcher": 4.0}
#: From here on what a run came to is kept in benchmarks/RESULTS.md.
FULL_RUNS = 2000
#: So many processes such a run must have killed, or it shows too little.
LEAST_KILLS = 1000
#: Kinds of journeys with their sizes.
KINDS = {"loop": 4, "listen": 3, "family": 2, "spread": 4, "try_hard": 3, "begin_anew": 4}
#: A family starts further runs.
CHILD = "loop"


@dataclass(frozen=True, kw_only=True)
class Plan(PlanOfFaults):
    """``jobs`` is the number of journeys, which begin over ``minutes``; ``batch`` of them together."""

    batch: int = 10
    #: An event for a journey comes up to so many seconds after the one before.
    longest_pause: float = 3.0

    @property
    def is_full(self) -> bool:
        return self.jobs >= FULL_RUNS

    def journeys(self) -> list[tuple[str, str, int]]:
        """Kind, name and size of each."""
        kinds = itertools.islice(itertools.cycle(KINDS), self.jobs)
        return [(kind, f"{kind}-{number:05}", KINDS[kind]) for number, kind in enumerate(kinds)]

    def batches(self) -> Iterator[tuple[float, list[tuple[str, str, int]]]]:
        """The journeys that begin together, with seconds since the start."""
        journeys = self.journeys()
        step = self.minutes * 60 * self.batch / max(1, len(journeys))
        for number, begin in enumerate(range(0, len(journeys), self.batch)):
            yield number * step, journeys[begin : begin + self.batch]

    def events(self, journey: str, size: int) -> list[float]:
        """Seconds after the journey's start at which its events are sent, in their order."""
        dice = self.random(f"events of {journey}")
        pauses = (dice.uniform(0.0, self.longest_pause) for _ in range(size))
        return list(itertools.accumulate(pauses))
