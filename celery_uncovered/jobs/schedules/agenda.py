"""Which schedule is to be looked at when: a heap, so that a look costs what is due, not what there is."""

import heapq
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(kw_only=True)
class Agenda:
    _seen: dict[int, Hashable] = field(default_factory=dict)
    _wakes: dict[int, float] = field(default_factory=dict)
    #: Entries whose time is not that of ``_wakes`` any more are passed over.
    _heap: list[tuple[float, int]] = field(default_factory=list)

    def compare(self, rows: Mapping[int, Hashable]) -> tuple[list[int], list[int]]:
        """The ids that are new or changed since the last time, and those that are gone."""
        changed = [number for number, row in rows.items() if self._seen.get(number) != row]
        gone = [number for number in self._seen if number not in rows]
        return changed, gone

    def keep(self, rows: Mapping[int, Hashable]) -> None:
        """Compare with these the next time; what is not among them is not looked at any more."""
        for number in self._seen.keys() - rows.keys():
            self._wakes.pop(number, None)
        self._seen = dict(rows)

    def forget(self, ids: Iterable[int]) -> None:
        """Take these for new when they are met again."""
        for number in ids:
            self._seen.pop(number, None)

    def put(self, wakes: Mapping[int, datetime | None]) -> None:
        for number, at in wakes.items():
            if at is None:
                self._wakes.pop(number, None)
            else:
                self._wakes[number] = at.timestamp()
                heapq.heappush(self._heap, (at.timestamp(), number))
        if len(self._heap) > 2 * len(self._wakes) + 1000:
            self._heap = [(at, number) for number, at in self._wakes.items()]
            heapq.heapify(self._heap)

    def take(self, now: datetime, most: int) -> list[int]:
        """The ids to be looked at by now, earliest first; put each again when it was looked at."""
        taken: list[int] = []
        while len(taken) < most and (first := self._first()) and first[0] <= now.timestamp():
            heapq.heappop(self._heap)
            del self._wakes[first[1]]
            taken.append(first[1])
        return taken

    def put_back(self, ids: Iterable[int], at: datetime) -> None:
        self.put(dict.fromkeys(ids, at))

    def seconds_left(self, now: datetime) -> float | None:
        """Until the next is to be looked at; None where nothing is."""
        first = self._first()
        return max(0.0, first[0] - now.timestamp()) if first else None

    def _first(self) -> tuple[float, int] | None:
        while self._heap and self._wakes.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None
