"""Which repositories a report has, in which order, in which groups."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from celery_uncovered.toyex.github.repository import Repository
from celery_uncovered.toyex.report.periods import parse_grouping

#: How many repositories a report has.
LIMIT = 500
#: The group of repositories that have no topic, or no language.
NO_GROUP = "(none)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A repository and its place in the whole report, from 1."""

    rank: int
    repository: Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """``rows`` by rank; ``total_stars`` is their sum."""

    name: str
    total_stars: int
    rows: tuple[Ranked, ...]


def top(repositories: Iterable[Repository], limit: int = LIMIT) -> tuple[Ranked, ...]:
    """The ``limit`` most starred, by stars, then by id; the order of the input has no say.

    Of several occurrences of one id that with the most stars counts (pages repeat items while
    stars change).
    """
    ordered = sorted(_distinct(repositories), key=lambda one: (-one.stars, one.id))
    return tuple(
        Ranked(rank=rank, repository=one) for rank, one in enumerate(ordered[:limit], start=1)
    )


def group(ranked: Iterable[Ranked], by: str) -> tuple[Group, ...]:
    """Groups by "topic" or "language", most stars in total first, then by name.

    A repository is in the group of each of its topics, once. Raises BadInput for another ``by``.
    """
    parse_grouping(by)
    rows: defaultdict[str, list[Ranked]] = defaultdict(list)
    for one in sorted(ranked, key=lambda one: one.rank):
        for name in _names(one.repository, by):
            rows[name].append(one)
    groups = [_group(name, members) for name, members in rows.items()]
    return tuple(sorted(groups, key=lambda one: (-one.total_stars, one.name)))


def _distinct(repositories: Iterable[Repository]) -> Iterable[Repository]:
    best: dict[int, Repository] = {}
    for one in repositories:
        known = best.get(one.id)
        if known is None or _weight(one) > _weight(known):
            best[one.id] = one
    return best.values()


def _weight(one: Repository) -> tuple[int, str]:
    """Total: equal stars are decided by the rest of the record, not by who came first."""
    return one.stars, json.dumps(one.to_json(), sort_keys=True)


def _names(one: Repository, by: str) -> list[str]:
    named = one.topics if by == "topic" else (one.language,)
    return list(dict.fromkeys(name for name in named if name)) or [NO_GROUP]


def _group(name: str, members: list[Ranked]) -> Group:
    total = sum(one.repository.stars for one in members)
    return Group(name=name, total_stars=total, rows=tuple(members))
