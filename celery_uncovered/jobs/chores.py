"""Chores: what apps above have the dispatcher do again and again, on the leader alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Chore:
    """``act`` is called every ``seconds``; it must be short, and harmless where it is done twice."""

    name: str
    act: Callable[[], object]
    seconds: float


_chores: dict[str, Chore] = {}


def register_chore(chore: Chore) -> None:
    _chores[chore.name] = chore


@dataclass
class Rota:
    """When each chore is due next."""

    _due: dict[str, float] = field(default_factory=dict)

    def take_due(self) -> list[Chore]:
        now = time.monotonic()
        due = [chore for chore in _chores.values() if self._due.get(chore.name, 0.0) <= now]
        for chore in due:
            self._due[chore.name] = now + chore.seconds
        return due
