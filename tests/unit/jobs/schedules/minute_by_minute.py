"""When crontabs are due, found by walking through every minute of a year: slow, and plain to see.

Nothing of it is shared with the platform: the crontabs are made from sets of numbers here.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
EVERY = [range(60), range(24), range(1, 32), range(1, 13), range(7)]
#: Numbers that fall into, or beside, the hours in which clocks change.
NIGHT = [0, 1, 2, 3]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A crontab: its five fields as texts, and the same as one mask of bits for each."""

    texts: tuple[str, ...]
    masks: tuple[int, ...]
    is_every_hour: bool


@dataclass(frozen=True, kw_only=True)
class Step:
    """A local time that a minute of UTC ends; ``again`` if that time was there before."""

    at: datetime
    masks: tuple[int, ...]
    again: bool


def year_of(year: int, zone: ZoneInfo) -> list[Step]:
    """Each minute of a year; where the clocks jump forward, a step for each time jumped over too."""
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    before = highest = wall_of(at - MINUTE, zone)
    steps = []
    while at < end:
        wall = wall_of(at, zone)
        jumped = max(0, (wall - before) // MINUTE - 1)
        passed = [before + number * MINUTE for number in range(1, jumped + 1)]
        steps += [Step(at=at, masks=masks_of(one), again=one <= highest) for one in [*passed, wall]]
        before, highest, at = wall, max(highest, wall), at + MINUTE
    return steps


def wall_of(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def masks_of(wall: datetime) -> tuple[int, ...]:
    numbers = (wall.minute, wall.hour, wall.day, wall.month, wall.isoweekday() % 7)
    return tuple(1 << number for number in numbers)


def due_times(steps: list[Step], made: Made) -> list[datetime]:
    minute, hour, day, month, weekday = made.masks
    found = [
        step.at
        for step in steps
        if step.masks[0] & minute
        and step.masks[1] & hour
        and step.masks[2] & day
        and step.masks[3] & month
        and step.masks[4] & weekday
        and (made.is_every_hour or not step.again)
    ]
    return sorted(set(found))


def make_crontab(dice: random.Random) -> Made:
    """Of every kind that people write; most of them run at night."""
    every = [set(numbers) for numbers in EVERY]
    ways: list[list[tuple[int, set[int]]]] = [
        [(4, {dice.choice([0, 15, 29, 30, 45, 59])}), (2, some_steps(dice, 0))],
        [
            (5, {dice.choice(NIGHT)}),
            (2, {*dice.sample(NIGHT, 2)}),
            (2, every[1]),
            (1, some_steps(dice, 1)),
        ],
        [(6, every[2]), (1, {*dice.sample(range(1, 29), 3)})],
        [(8, every[3]), (1, {*dice.sample(range(1, 13), 6)})],
        [(6, every[4]), (2, {0}), (1, {1, 2, 3, 4, 5})],
    ]
    sets = [one_of(dice, kind, choices) for kind, choices in enumerate(ways)]
    # The 30th of February would never come.
    sets[2] |= {28}
    return Made(
        texts=tuple(text_of(dice, numbers, kind) for kind, numbers in enumerate(sets)),
        masks=tuple(sum(1 << number for number in numbers) for numbers in sets),
        is_every_hour=len(sets[1]) == 24,
    )


def one_of(dice: random.Random, kind: int, ways: list[tuple[int, set[int]]]) -> set[int]:
    """One of the ways, by their weights, or any numbers."""
    anything = {*dice.sample(list(EVERY[kind]), dice.randint(1, 4))}
    weights, sets = zip(*ways, (1, anything), strict=True)
    return set(dice.choices(sets, weights)[0])


def some_steps(dice: random.Random, kind: int) -> set[int]:
    return set(list(EVERY[kind])[:: dice.choice([2, 3, 5, 7, 20])])


def text_of(dice: random.Random, numbers: set[int], kind: int) -> str:
    every, ordered = list(EVERY[kind]), sorted(numbers)
    if ordered == every:
        return "*"
    for step in range(2, len(every)):
        if ordered == every[::step]:
            return f"*/{step}"
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]}-{ordered[-1]}"
    dice.shuffle(ordered)
    return ",".join(map(str, ordered))
