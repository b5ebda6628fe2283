"""Errors counted by kind in bounded memory: the first of each kind is kept, the rest is a number."""

from collections.abc import Iterable
from dataclasses import dataclass

from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.kinds import OTHERS

#: How many kinds are told apart between two visits to the database; further ones are a number.
MOST_KINDS = 200


@dataclass(kw_only=True)
class Tally:
    """How often a kind came; the moments are seconds since 1970.

    It has no event where one was stored lately, and that of the others never has.
    """

    kind: str
    event: ErrorEvent | None
    count: int
    first: float
    last: float

    def add(self, at: float) -> None:
        self.count += 1
        self.first, self.last = min(self.first, at), max(self.last, at)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a keeper stores in one transaction. ``keeper`` and ``number`` tell it from all others."""

    keeper: str
    number: int
    tallies: list[Tally]


class Tallies:
    """Not safe for several threads by itself."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        #: Kinds whose event is stored, so that no further one is wanted for the time being.
        self._described: set[str] = set()

    def __len__(self) -> int:
        return len(self._tallies)

    @property
    def total(self) -> int:
        return sum(tally.count for tally in self._tallies.values())

    def count(self, kind: str, at: float) -> bool:
        """Count one of a known kind, or of the others where there is no room for its kind.

        False, and nothing is counted, where its event is wanted: ``begin`` then.
        """
        known = self._tallies.get(kind)
        if known is not None:
            known.add(at)
        elif len(self._tallies) >= MOST_KINDS:
            self.count_other(at)
        elif kind in self._described:
            self._begin(kind, None, at)
        else:
            return False
        return True

    def begin(self, event: ErrorEvent, at: float) -> None:
        """Count ``event``, whose kind another thread may have begun meanwhile."""
        if not self.count(event.kind, at):
            self._begin(event.kind, event, at)

    def count_other(self, at: float) -> None:
        """Count one of which only that it came is known."""
        others = self._tallies.get(OTHERS)
        if others is None:
            self._begin(OTHERS, None, at)
        else:
            others.add(at)

    def note_described(self, kinds: Iterable[str]) -> None:
        self._described |= set(kinds)
        if len(self._described) > MOST_KINDS:
            self._described.clear()

    def want_events(self) -> None:
        """The next of each kind is to have its event again."""
        self._described.clear()

    def take(self) -> list[Tally]:
        """All of them; none is left."""
        taken, self._tallies = list(self._tallies.values()), {}
        return taken

    def _begin(self, kind: str, event: ErrorEvent | None, at: float) -> None:
        self._tallies[kind] = Tally(kind=kind, event=event, count=1, first=at, last=at)
