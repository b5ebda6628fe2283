"""How long the jobs of each task have taken lately: what may be gathered, and how much of it."""

#: The weight of the newest job, where it was slower or faster than what was expected. A busy machine
#: makes jobs look slow, so that the fast ones tell more of what a job takes.
SLOWER, FASTER = 0.02, 0.2
#: Jobs that take longer are run one by one, in seconds.
SMALL = 0.02


class Durations:
    """Seconds for each task, weighted towards the newest and the faster jobs."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def learn(self, task: str, seconds: float) -> None:
        known = self._seconds.get(task, seconds)
        weight = FASTER if seconds < known else SLOWER
        self._seconds[task] = known + weight * (seconds - known)

    def expected(self, task: str) -> float | None:
        """Seconds; None for a task that has not run yet."""
        return self._seconds.get(task)

    def is_small(self, task: str) -> bool:
        """Whether its jobs may be gathered; one that has not run yet may, by itself."""
        return self._seconds.get(task, 0.0) <= SMALL
