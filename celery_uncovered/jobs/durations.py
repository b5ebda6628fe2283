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
        seconds = self._seconds.get(task)
        return seconds is not None and seconds <= SMALL
