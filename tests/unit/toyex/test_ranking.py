import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_uncovered.toyex.github import Repository
from celery_uncovered.toyex.report import BadInput, Group, Ranked, group, summarise, top
from tests.unit.toyex.examples import patient, repository

repositories = st.lists(
    st.builds(
        repository,
        st.integers(1, 12),
        stars=st.integers(0, 3),
        forks=st.integers(0, 3),
        language=st.sampled_from([None, "C", "Go"]),
        topics=st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(tuple),
    ),
    max_size=30,
)


def ids(ranked: tuple[Ranked, ...]) -> list[int]:
    return [one.repository.id for one in ranked]


def content(groups: tuple[Group, ...]) -> list[tuple[str, int, list[int]]]:
    return [(one.name, one.total_stars, [row.rank for row in one.rows]) for one in groups]


def test_more_stars_come_first_and_ties_go_by_id() -> None:
    ranked = top([repository(3), repository(1), repository(2, stars=11)])
    assert ids(ranked) == [2, 1, 3]
    assert [one.rank for one in ranked] == [1, 2, 3]


def test_only_the_first_five_hundred_are_kept() -> None:
    ranked = top([repository(number) for number in range(600, 0, -1)])
    assert ids(ranked) == list(range(1, 501))


def test_a_repository_seen_twice_counts_once_with_its_most_stars() -> None:
    early, late = repository(1, stars=5), repository(1, stars=6)
    for order in ([early, late], [late, early]):
        assert [one.repository for one in top(order)] == [late]


@patient
@given(repositories, st.randoms(use_true_random=False))
def test_the_order_of_the_input_has_no_say(some: list[Repository], chance: random.Random) -> None:
    """Also for records of one id that differ in something else than their stars."""
    shuffled = list(some)
    chance.shuffle(shuffled)
    assert top(some, 5) == top(shuffled, 5)
    assert group(top(some), "topic") == group(reversed(top(shuffled)), "topic")


@patient
@given(repositories)
def test_a_ranking_is_total_without_repeats_and_without_gaps(some: list[Repository]) -> None:
    ranked = top(some, 6)
    assert [one.rank for one in ranked] == list(range(1, len(ranked) + 1))
    assert len(ranked) == min(6, len({one.id for one in some}))
    keys = [(-one.repository.stars, one.repository.id) for one in ranked]
    assert keys == sorted(set(keys))


@patient
@given(repositories)
def test_every_repository_is_in_each_of_its_groups_and_in_no_other(
    some: list[Repository],
) -> None:
    ranked = top(some)
    found = [(one.name, row.repository.id) for one in group(ranked, "topic") for row in one.rows]
    wanted = {
        (topic, row.repository.id)
        for row in ranked
        for topic in (row.repository.topics or ("(none)",))
    }
    assert len(found) == len(set(found))
    assert set(found) == wanted


def test_a_topic_that_is_named_twice_counts_once() -> None:
    assert content(group(top([repository(topics=("a", "a"))]), "topic")) == [("a", 10, [1])]


def test_groups_go_by_total_stars_then_by_name_and_rows_by_rank() -> None:
    ranked = top(
        [
            repository(1, stars=5, topics=("z", "big")),
            repository(2, stars=9, topics=("big",)),
            repository(3, stars=5, topics=("a",)),
        ]
    )
    assert content(group(ranked, "topic")) == [
        ("big", 14, [1, 2]),
        ("a", 5, [3]),
        ("z", 5, [2]),
    ]


@pytest.mark.parametrize("by", ["topic", "language"])
def test_without_any_the_group_is_none(by: str) -> None:
    bare = repository(topics=(), language=None)
    assert content(group(top([bare]), by)) == [("(none)", 10, [1])]


def test_a_language_groups_by_its_name() -> None:
    ranked = top([repository(1, language="C"), repository(2, language="Go", stars=30)])
    assert content(group(ranked, "language")) == [("Go", 30, [1]), ("C", 10, [2])]


def test_another_grouping_is_refused() -> None:
    with pytest.raises(BadInput, match='Grouping "owner"'):
        group((), "owner")


def test_a_summary_counts_and_shows_the_first_ten() -> None:
    ranked = top(
        [repository(number, stars=number, topics=(f"t{number}", "all")) for number in range(1, 13)]
    )
    summary = summarise(ranked, group(ranked, "topic"))
    assert (summary["repositories"], summary["group_count"], summary["row_count"]) == (12, 13, 24)
    assert summary["stars"] == 78
    assert len(summary["groups"]) == len(summary["rows"]) == 10
    assert summary["groups"][0] == {"name": "all", "stars": 78, "repositories": 12}
    assert summary["rows"][0] == {
        "rank": 1,
        "full_name": "owner/name-12",
        "stars": 12,
        "forks": 2,
        "language": "Python",
        "topics": ["t12", "all"],
        "created": "2026-05-03T10:00:00Z",
        "url": "https://github.com/owner/name-12",
        "description": "A tool",
    }


def test_a_summary_of_nothing_is_empty() -> None:
    assert summarise((), ()) == {
        "repositories": 0,
        "group_count": 0,
        "row_count": 0,
        "stars": 0,
        "groups": [],
        "rows": [],
    }


def test_a_repository_does_not_change() -> None:
    one = repository()
    with pytest.raises(AttributeError):
        one.stars = 99  # type: ignore[misc]  # this is what the test tries
    assert replace(one, stars=99) != one
