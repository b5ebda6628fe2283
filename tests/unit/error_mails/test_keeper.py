"""The keeper takes errors at once, loses none of their number, and lets nobody wait."""

import os
import threading
import time
import warnings

import pytest

from celery_uncovered.error_mails import keeper as keeper_module
from celery_uncovered.error_mails import tallies
from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.keeper import Keeper
from celery_uncovered.error_mails.kinds import OTHERS
from tests.unit.error_mails.help import FakeDesk, event, soon


def note(keeper: Keeper, kind: str = "a", at: float = 100.0, times: int = 1) -> None:
    for _ in range(times):
        keeper.note(kind, at, lambda: event(kind))


def counts(desk: FakeDesk) -> dict[str, int]:
    found: dict[str, int] = {}
    for tally in desk.stored:
        found[tally.kind] = found.get(tally.kind, 0) + tally.count
    return found


def test_the_first_is_stored_at_once_and_the_rest_of_a_storm_together(
    keeper: Keeper, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "GATHER_SECONDS", 60)
    note(keeper)
    soon(lambda: desk.batches, "the first is stored")
    note(keeper, times=500)
    assert keeper.flush(10) == 0
    assert [[tally.count for tally in batch.tallies] for batch in desk.batches] == [[1], [500]]


def test_first_and_last_moment_are_kept(keeper: Keeper, desk: FakeDesk) -> None:
    desk.is_silent.set()
    note(keeper, "blocks")
    soon(lambda: desk.batches, "the keeper is busy")
    for at in (5.0, 3.0, 9.0, 4.0):
        note(keeper, at=at)
    desk.is_silent.clear()
    keeper.flush(10)
    [found] = [tally for tally in desk.stored if tally.kind == "a"]
    assert (found.count, found.first, found.last) == (4, 3.0, 9.0)


def test_nobody_waits_for_a_database_that_is_silent(keeper: Keeper, desk: FakeDesk) -> None:
    desk.is_silent.set()
    note(keeper)
    soon(lambda: desk.batches, "the keeper waits for the database")
    began = time.monotonic()
    note(keeper, times=1000)
    assert time.monotonic() - began < 5
    desk.is_silent.clear()
    assert keeper.flush(10) == 0
    assert desk.total == 1001


def test_what_could_not_be_stored_is_stored_later_as_the_same_batch(
    keeper: Keeper, desk: FakeDesk
) -> None:
    desk.is_away = True
    note(keeper)
    soon(lambda: len(desk.batches) > 1, "the keeper has tried again")
    note(keeper, times=10)
    note(keeper, "b", times=5)
    desk.is_away = False
    keeper._hurry.set()
    assert keeper.flush(10) == 0
    assert {batch.number for batch in desk.batches} == {1, 2}
    assert counts(desk) == {"a": 11, "b": 5}


def test_memory_is_bounded_while_the_database_is_away_and_every_error_counts(
    keeper: Keeper, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MOST_KINDS", 10)
    desk.is_silent.set()
    note(keeper, "first")
    soon(lambda: desk.batches, "the keeper waits for the database")
    for number in range(10_000):
        note(keeper, f"kind {number % 100}")
    assert len(keeper._tallies) == 11
    desk.is_silent.clear()
    assert keeper.flush(10) == 0
    found = counts(desk)
    assert found.pop("first") == 1
    assert found.pop(OTHERS) == 9000
    assert found == {f"kind {number}": 100 for number in range(10)}


def test_an_event_that_cannot_be_made_counts_among_the_others(
    keeper: Keeper, desk: FakeDesk
) -> None:
    def make() -> ErrorEvent:
        raise ValueError

    keeper.note("a", 1.0, make)
    keeper.flush(10)
    assert counts(desk) == {OTHERS: 1}


def test_no_lock_is_held_while_an_event_is_made(keeper: Keeper, desk: FakeDesk) -> None:
    def make() -> ErrorEvent:
        other = threading.Thread(target=note, args=(keeper,))
        other.start()
        other.join(10)
        assert not other.is_alive()
        return event("a")

    keeper.note("a", 1.0, make)
    keeper.flush(10)
    assert counts(desk) == {"a": 2}


def test_many_threads_at_once_lose_no_count(keeper: Keeper, desk: FakeDesk) -> None:
    def storm() -> None:
        for number in range(2000):
            note(keeper, f"kind {number % 7}")

    threads = [threading.Thread(target=storm) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keeper.flush(10) == 0
    assert desk.total == 16_000


def test_the_end_of_a_process_waits_no_longer_than_it_says_and_tells_what_is_left(
    keeper: Keeper,
    desk: FakeDesk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(keeper_module, "FLUSH_SECONDS", 0.1)
    desk.is_silent.set()
    note(keeper)
    soon(lambda: desk.batches, "the keeper waits for the database")
    note(keeper, times=4)
    began = time.monotonic()
    assert keeper.flush(0.1) == 5
    assert 0.1 <= time.monotonic() - began < 2
    keeper_module.flush_at_exit()
    assert capsys.readouterr().err == "5 errors could not be stored before the process ended.\n"
    desk.is_silent.clear()
    assert keeper.flush(10) == 0


def test_the_round_of_mails_is_announced_after_each_batch_and_submitted_once(
    keeper: Keeper, desk: FakeDesk
) -> None:
    for _ in range(3):
        note(keeper)
        assert keeper.flush(10) == 0
    assert desk.announced == [None, 7, 7]


def test_an_event_is_made_once_until_a_round_of_mails_is_over(
    keeper: Keeper, desk: FakeDesk
) -> None:
    for number in (7, 7, 8, 8):
        desk.round = number
        note(keeper)
        assert keeper.flush(10) == 0
    # That the round is over is seen when the third one is stored.
    assert [tally.event is not None for tally in desk.stored] == [True, False, False, True]


def test_an_announcement_that_fails_is_made_up_for(
    keeper: Keeper, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def announce(known: int | None) -> int:
        tried.append(known)
        if len(tried) == 1:
            raise OSError
        return 7

    monkeypatch.setattr(desk, "announce", announce)
    note(keeper)
    soon(lambda: len(tried) == 2, "it is announced again")
    assert len(desk.batches) == 1, "and not stored again"


def test_a_forked_child_keeps_its_own_errors_and_none_of_its_parents(
    keeper: Keeper, desk: FakeDesk
) -> None:
    desk.is_silent.set()
    note(keeper, "parent's")
    soon(lambda: desk.batches, "the parent's keeper is busy")
    note(keeper, "parent's")
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            own = keeper_module.keeper()
            theirs = FakeDesk()
            own._desk = theirs
            note(own, "child's")
            left = own.flush(10)
            os.write(writing, repr((left, counts(theirs), own.id != keeper.id)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 1000).decode() == repr((0, {"child's": 1}, True))
    os.close(reading)
    desk.is_silent.clear()
    assert keeper.flush(10) == 0
    assert counts(desk) == {"parent's": 2}
