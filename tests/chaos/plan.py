"""What a run does: how many jobs, how fast, and what is killed when. The seed decides the rest."""

import heapq
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.stacks import EMBEDDED

#: From here on a run must be as hard as J28 says, or it fails.
FULL_JOBS = 100_000
#: Seconds between two faults of a kind: the long run's, and those of the one in the suite.
LONG = {"worker": 5.0, "broker": 30.0, "database": 60.0, "dispatcher": 20.0, "beat": 30.0}
SHORT = {"worker": 3.0, "broker": 11.0, "database": 8.0, "dispatcher": 6.0, "beat": 7.0}
#: How far a fault may be from its time, as a part of the period.
JITTER = 0.4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``minutes`` is how long the clients take to submit ``jobs``; a job works up to ``longest_ms``."""

    stack: str
    jobs: int
    minutes: float
    seed: int
    periods: Mapping[str, float]
    clients: int = 4
    workers: int = 3
    children: int = 8
    longest_ms: int = 500
    #: How long nothing may succeed, after the last fault, before the rest counts as lost.
    patience: float = 120.0

    @property
    def is_full(self) -> bool:
        return self.jobs >= FULL_JOBS

    @property
    def has_servers(self) -> bool:
        return self.stack != EMBEDDED

    def random(self, purpose: object) -> random.Random:
        """Randomness that is the same in every run with this seed."""
        return random.Random(f"{self.seed} {purpose}")  # noqa: S311  # no secret hangs on it

    def faults(self) -> Iterator[tuple[float, str]]:
        """Seconds since the start and the kind of the next fault, without end."""
        dice = self.random("faults")
        rounds = [
            ((period * (1 + dice.uniform(-JITTER, JITTER)), kind), 1)
            for kind, period in self.periods.items()
        ]
        heapq.heapify(rounds)
        for _ in itertools.count():
            (at, kind), number = heapq.heappop(rounds)
            yield at, kind
            next_at = self.periods[kind] * (number + 1 + dice.uniform(-JITTER, JITTER))
            heapq.heappush(rounds, ((next_at, kind), number + 1))

    def share(self, client: int) -> int:
        """How many jobs the client of this number, from 0, submits."""
        return len(range(client, self.jobs, self.clients))
