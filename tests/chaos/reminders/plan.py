"""What a run does: which pull request is opened and closed when, and how often somebody dies."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

#: From here on a run is as long as the issue says.
FULL_PULLS, FULL_DAYS = 20, 14
#: A day passes in so many steps.
STEPS = 4
STEP = timedelta(days=1) / STEPS
ROLES = ("web", "worker", "worker's child", "threads", "dispatcher", "chat")


@dataclass(frozen=True, kw_only=True)
class Life:
    """A pull request from where it was opened (the last time) to where it was closed, in steps."""

    number: int
    opening: int
    opened_at: int
    closed_at: int
    is_merged: bool

    @property
    def reminders(self) -> int:
        """It is never closed in the very step in which a reminder is due."""
        return (self.closed_at - self.opened_at) // STEPS

    def reminded_at(self, reminder: int) -> int:
        """The step of its reminder of this number, the first is 1."""
        return self.opened_at + STEPS * reminder

    @property
    def words(self) -> list[str]:
        days = ["a day", *(f"{number} days" for number in range(2, self.reminders + 1))]
        last = "Merged by ailisp" if self.is_merged else "Closed without being merged by Codertocat"
        return ["Opened", *(f"Still open after {one}" for one in days[: self.reminders]), last]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``pauses`` is how many seconds pass between two deaths, at least and at most.

    ``shortest_step`` is how many a step takes at least, so that they fall into all of them.
    """

    stack: str
    pulls: int
    days: int
    seed: int
    pauses: tuple[float, float] = (2.0, 5.0)
    shortest_step: float = 2.5
    #: How long nothing may happen in a step before what lacks counts as lost.
    patience: float = 120.0
    lives: tuple[Life, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lives", tuple(self._lives()))

    @property
    def is_full(self) -> bool:
        return self.pulls >= FULL_PULLS and self.days >= FULL_DAYS

    @property
    def last_step(self) -> int:
        return self.days * STEPS

    def _lives(self) -> Iterator[Life]:
        dice = self.random("lives")
        for number in range(1, self.pulls + 1):
            opened, opening = dice.randint(0, max(1, self.last_step // 2)), 1
            while opened < self.last_step:
                closed = dice.randint(opened + 1, self.last_step)
                closed -= (closed - opened) % STEPS == 0
                yield Life(
                    number=number,
                    opening=opening,
                    opened_at=opened,
                    closed_at=closed,
                    is_merged=dice.random() < 0.5,
                )
                # Every third one is opened again, some in the step that follows.
                if opening > 1 or dice.random() > 1 / 3:
                    break
                opened, opening = closed + dice.randint(1, STEPS), opening + 1

    def webhooks(self, step: int) -> list[tuple[str, int]]:
        """What GitHub tells at the begin of a step, with the numbers of the pull requests."""
        opened = [
            ("opened" if life.opening == 1 else "reopened", life.number)
            for life in self.lives
            if life.opened_at == step
        ]
        closed = [
            ("merged" if life.is_merged else "closed", life.number)
            for life in self.lives
            if life.closed_at == step
        ]
        return [*closed, *opened]

    def random(self, purpose: object) -> random.Random:
        """Randomness that is the same in every run with this seed."""
        return random.Random(f"{self.seed} {purpose}")  # noqa: S311  # no secret hangs on it
