"""The agenda gives what is due, earliest first, and forgets what was changed."""

from datetime import UTC, datetime, timedelta

from celery_uncovered.jobs.schedules.agenda import Agenda

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_what_is_due_is_taken_once_earliest_first() -> None:
    agenda = Agenda()
    agenda.put({1: at(2), 2: at(1), 3: at(9), 4: None})
    assert agenda.seconds_left(NOON) == 60
    assert agenda.take(NOON, 9) == []
    assert agenda.take(at(3), 9) == [2, 1]
    assert agenda.take(at(3), 9) == []
    agenda.put_back([1], at(3))
    assert agenda.take(at(3), 9) == [1]
    assert agenda.seconds_left(at(3)) == 360


def test_no_more_is_taken_than_asked_for() -> None:
    agenda = Agenda()
    agenda.put({number: at(number) for number in range(5)})
    assert [agenda.take(at(9), 2) for _ in range(3)] == [[0, 1], [2, 3], [4]]


def test_a_new_time_replaces_the_old_one() -> None:
    agenda = Agenda()
    agenda.put({1: at(1), 2: at(2)})
    agenda.put({1: at(5), 2: None})
    assert agenda.take(at(4), 9) == []
    assert agenda.take(at(5), 9) == [1]
    assert agenda.seconds_left(at(5)) is None


def test_rows_are_compared_with_those_of_the_last_time() -> None:
    agenda = Agenda()
    assert agenda.compare({1: ("a",), 2: ("b",)}) == ([1, 2], [])
    agenda.keep({1: ("a",), 2: ("b",)})
    agenda.put({1: at(1), 2: at(1)})
    assert agenda.compare({2: ("c",), 3: ("d",)}) == ([2, 3], [1])
    agenda.keep({2: ("c",), 3: ("d",)})
    assert agenda.take(at(2), 9) == [2]


def test_the_heap_does_not_grow_with_changes() -> None:
    agenda = Agenda()
    for number in range(20_000):
        agenda.put({1: at(number), 2: at(1)})
    assert len(agenda._heap) < 2_000
    assert agenda.take(at(1), 9) == [2]
    assert agenda.take(at(30_000), 9) == [1]
