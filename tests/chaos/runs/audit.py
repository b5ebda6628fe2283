"""What must hold after a run of chaos, whatever was killed: a sentence for everything that does not."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.chaos.audit import shortened
from tests.chaos.runs.evidence import Evidence
from tests.chaos.runs.plan import CHILD, Plan

#: The kind whose steps fail as often as not, and so begin as often as they like.
STUMBLING = "try_hard"


def problems(evidence: Evidence, plan: Plan) -> list[str]:
    """Empty when every journey ended once, as it should, and nothing that counted was done twice."""
    checks = (journeys, results, histories, orders, repeats, bookings, events)
    found = [shortened(list(check(evidence, plan))) for check in checks]
    return [problem for several in found for problem in several]


def expected(plan: Plan) -> dict[str, tuple[str, int]]:
    """Kind and size of every run by its key, children included."""
    runs = {name: (kind, size) for kind, name, size in plan.journeys()}
    for name, (kind, size) in list(runs.items()):
        if kind == "family":
            runs |= {f"{name} child {number}": (CHILD, 2) for number in range(size)}
    return runs


def journeys(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """There is one run for each, and it succeeded."""
    wanted = expected(plan)
    if missing := sorted(wanted.keys() - evidence.runs.keys()):
        yield f"{len(missing)} runs are missing, such as {missing[0]!r}."
    if unknown := sorted(map(str, evidence.runs.keys() - wanted.keys())):
        yield f"{len(unknown)} runs are more than asked for, such as {unknown[0]!r}."
    for name, run in evidence.runs.items():
        if run["state"] != "SUCCESS":
            yield f"Run {name!r} is {run['state']}: {run['error']}"


def results(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """A result is made of what is recorded, and that of what was done."""
    for name, (kind, size) in expected(plan).items():
        run = evidence.runs.get(name)
        if run is None or run["result"] is None:
            continue
        result = json.loads(run["result"])
        if kind == "listen":
            if result != list(range(size)):
                yield f"Run {name!r} heard {result}."
            continue
        own = result[0] if kind == "family" else result
        said = list(tokens_in(own))
        if len(said) != tokens_of(kind, size):
            yield f"Run {name!r} returned {result}."
        recorded = set(tokens_recorded(evidence.steps[run["id"]]))
        done = {token for _, token in evidence.begun[name]}
        if not set(said) <= recorded:
            yield f"The result of run {name!r} has what its history has not: {result}."
        if not recorded <= done:
            yield f"The history of run {name!r} has what was never done: {recorded - done}."


def tokens_of(kind: str, size: int) -> int:
    return {"loop": size + 1, "family": 2, "spread": 3 * size, "try_hard": size, "begin_anew": 1}[
        kind
    ]


def tokens_in(result: Any) -> Iterator[str]:
    if isinstance(result, list):
        for one in result:
            yield from tokens_in(one)
    else:
        yield result


def tokens_recorded(rows: list[list[Any]]) -> Iterator[str]:
    for _, _, _, _, kind, is_error, value in rows:
        if kind == "step" and not is_error:
            yield json.loads(value)


def histories(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """Nothing is recorded twice, and no step failed for good; what begins anew counts anew."""
    for name, run in evidence.runs.items():
        rows = evidence.steps.get(run["id"], [])
        if any(row[5] for row in rows):
            yield f"Run {name!r} has recorded an error."
        if name.startswith("begin_anew"):
            continue
        for (branch, label), times in Counter((row[2], row[3]) for row in rows).items():
            if times > 1:
                yield f"Run {name!r} has {branch}{label} {times} times in its history."


def orders(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """No step began before the one before it was durable: once it has, that one never begins again."""
    for journey, begun in evidence.begun.items():
        furthest: dict[str, int] = defaultdict(lambda: -1)
        for place, _ in begun:
            branch, _, number = place.partition(":")
            if int(number) < furthest[branch]:
                yield f"Run {journey!r} began {place!r} after {branch}:{furthest[branch]}."
            furthest[branch] = max(furthest[branch], int(number))


def repeats(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """A step begins again only where its run was claimed again: once for each claim at the most.

    But for atomic ones, which are tried again when the database goes away in their midst.
    """
    for journey, begun in evidence.begun.items():
        run = evidence.runs.get(journey)
        if run is None or journey.startswith(STUMBLING):
            continue
        for place, times in Counter(place for place, _ in begun).items():
            is_atomic = f"{journey}|{place}" in evidence.bookings
            if times > run["epoch"] and not is_atomic:
                yield f"Run {journey!r} began {place!r} {times} times in {run['epoch']} claims."


def bookings(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """Each atomic step has left one row, and it is the one that its record speaks of."""
    wanted = set()
    for name, (kind, size) in expected(plan).items():
        places = {
            "loop": [f"main:{size}"],
            "family": ["main:1"],
            "spread": [f"side{number}:2" for number in range(size)],
        }.get(kind, [])
        wanted |= {f"{name}|{place}" for place in places}
    for place in sorted(wanted | evidence.bookings.keys()):
        tokens = evidence.bookings.get(place, [])
        if len(tokens) != 1 or place not in wanted:
            yield f"{len(tokens)} rows are booked at {place!r}."
            continue
        run = evidence.runs.get(place.partition("|")[0])
        if run and tokens[0] not in set(tokens_recorded(evidence.steps[run["id"]])):
            yield f"What is booked at {place!r} is not what its run has recorded."


def events(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """Every event was sent once, and its run took it."""
    keys = Counter(key for key, _ in evidence.events)
    for kind, name, size in plan.journeys():
        if kind == "listen" and keys[name] != size:
            yield f"{keys[name]} events were sent for {name!r}, not {size}."
    for key, taken_by in evidence.events:
        run = evidence.runs.get(key)
        if run is None or taken_by != run["id"]:
            yield f"An event for {key!r} was taken by {taken_by}."
