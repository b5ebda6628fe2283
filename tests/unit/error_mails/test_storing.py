"""Batches in the database: added up, each once, without their secrets."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError, transaction

from celery_uncovered.error_mails import storing
from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.kinds import OTHERS
from celery_uncovered.error_mails.models import Keeper, Kind
from celery_uncovered.error_mails.storing import KindGoneError, store
from celery_uncovered.error_mails.tallies import Tally
from tests.unit.error_mails.help import batch, event, tally

pytestmark = pytest.mark.django_db


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def counts() -> dict[str, tuple[int, int]]:
    rows = Kind.objects.values_list("fingerprint", "count", "waiting")
    return {kind: (count, waiting) for kind, count, waiting in rows}


def test_batches_add_up_by_kind_with_their_first_and_last_moments() -> None:
    store(batch(tally("a", 3, 100, 200), tally("b", 1, 50, 50), number=1))
    store(batch(tally("a", 2, 90, 150), number=2))
    store(batch(tally("a", 4, 180, 300), keeper="other", number=1))
    assert counts() == {"a": (9, 9), "b": (1, 1)}
    kind = Kind.objects.get(fingerprint="a")
    assert (kind.first_at, kind.last_at) == (at(90), at(300))
    assert (kind.waiting_first_at, kind.waiting_last_at) == (at(90), at(300))


def test_a_batch_whose_commit_was_not_answered_counts_once() -> None:
    for _ in range(3):
        store(batch(tally("a", 5), number=1))
    store(batch(tally("a", 1), number=2))
    store(batch(tally("a", 5), number=1))
    assert counts() == {"a": (6, 6)}


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_was_not_committed_counts_when_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Tally) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(storing, "_places", fail)
        with pytest.raises(OperationalError):
            store(batch(tally("a", 5)))
    assert counts() == {}
    store(batch(tally("a", 5)))
    assert counts() == {"a": (5, 5)}


def test_the_first_one_that_waits_is_told_of_and_not_the_later_ones() -> None:
    for number, words in enumerate(["first", "second"]):
        one = Tally(kind="a", event=event(sentence=words), count=1, first=1, last=1)
        store(batch(one, number=number + 1))
    assert Kind.objects.get().sentence == "first"
    Kind.objects.update(is_told=True)
    store(batch(Tally(kind="a", event=event(sentence="third"), count=1, first=1, last=1), number=3))
    assert Kind.objects.get().sentence == "third"


def test_kinds_that_the_table_has_no_room_for_are_counted_among_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "MOST_KINDS", 3)
    store(batch(*(tally(f"k{number}", 2) for number in range(5)), number=1))
    others = Tally(kind=OTHERS, event=None, count=10, first=1, last=2)
    store(batch(tally("k0", 1), tally("k9", 1), others, number=2))
    assert counts() == {"k0": (3, 3), "k1": (2, 2), "k2": (2, 2), OTHERS: (15, 15)}
    assert "only their number" in Kind.objects.get(fingerprint=OTHERS).sentence


def test_secrets_and_what_no_database_takes_are_not_stored() -> None:
    secret = secrets.token_hex()
    words = f"\0\ud800 amqp://user:{secret}@host/ password={secret}"
    texts = dict.fromkeys(("sentence", "traceback", "context"), words)
    store(batch(Tally(kind="a", event=event(**texts), count=1, first=1, last=1)))
    kind = Kind.objects.values().get()
    assert secret not in repr(kind)
    assert "\ufffd\ufffd" in kind["sentence"]


@pytest.mark.django_db(transaction=True)
def test_words_that_the_database_refuses_hold_up_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: ErrorEvent) -> dict[str, str]:
        raise DataError

    store(batch(tally("known", 1)))
    Kind.objects.update(is_told=True)
    monkeypatch.setattr(storing, "_words", refuse)
    store(batch(tally("known", 2), tally("new", 4), number=2))
    assert counts() == {"known": (3, 3), OTHERS: (4, 4)}


def test_a_kind_that_goes_at_that_moment_makes_the_keeper_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "_begin", lambda _: None)
    with pytest.raises(KindGoneError), transaction.atomic():
        store(batch(tally("a")))
    assert not Keeper.objects.exists()


def test_a_batch_takes_few_statements(
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    kinds = [tally(f"k{number}", 1) for number in range(20)]
    store(batch(*kinds, number=1))
    with django_assert_max_num_queries(8):
        store(batch(*kinds, number=2))
