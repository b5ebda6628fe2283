"""What of a turn is the same for every side: the rates, the quantiles, the processors' share."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.record import Samples

#: Jobs of the loop, and those of the idle system.
ONE_BY_ONE, SINGLES = 2_000, 300
#: Submissions at the start of each turn that do not count: connections open, caches fill.
WARM_UPS = 200
#: How long anything may take (seconds).
DEADLINE = 900.0


@dataclass(frozen=True, kw_only=True)
class Meter:
    """The processor time of a worker's processes, from when it began with the jobs."""

    roots: Sequence[int]
    before: float

    @classmethod
    def started(cls, *roots: int) -> "Meter":
        return cls(roots=roots, before=used(roots))

    def samples(self, jobs: int) -> Samples:
        """Of a worker that has done so many."""
        pids = [pid for root in self.roots for pid in processes.tree(root)]
        return {
            "cpu": [1e6 * (used(self.roots) - self.before) / jobs],
            "memory": [processes.megabytes(pids)],
        }


def used(roots: Sequence[int]) -> float:
    pids = [pid for root in roots for pid in processes.tree(root)]
    return processes.processor(pids).total


def end_to_end(jobs: int, seconds: Sequence[float]) -> Samples:
    return {
        "each": [1e6 * one / jobs for one in seconds],
        "end_to_end": [jobs / one for one in seconds],
    }


def idle(seconds: Sequence[float]) -> Samples:
    quantiles = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"idle_p50": [1e3 * quantiles[49]], "idle_p99": [1e3 * quantiles[98]]}
