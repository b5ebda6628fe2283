"""A payment's status changes through one door, by one table."""

import itertools

import pytest

from celery_uncovered.tricks.payments import moves
from celery_uncovered.tricks.payments.gateway import Charge
from celery_uncovered.tricks.payments.states import FINAL, OPEN, SOURCES, Status
from tests.unit.tricks.payments.examples import accept, change, fresh

SETTLED = Charge(id="ch_1", is_settled=True)
DECLINED = Charge(id="ch_2", is_settled=False, reason="No money.")
#: Each move, where it leads, and from where it may.
MOVES = {
    "begin": (moves.begin_charging, Status.CHARGING, {Status.ACCEPTED}),
    "settle": (lambda pk: moves.end_charging(pk, SETTLED), Status.SETTLED, {Status.CHARGING}),
    "decline": (lambda pk: moves.end_charging(pk, DECLINED), Status.DECLINED, {Status.CHARGING}),
    "cancel": (lambda pk: moves.decline_uncharged(pk, "No."), Status.DECLINED, {Status.ACCEPTED}),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "status"), list(itertools.product(MOVES, Status)))
def test_a_move_is_made_from_its_sources_alone(name: str, status: Status) -> None:
    act, to, sources = MOVES[name]
    payment = accept()
    change(payment, status=status, charge_id="ch_0", reason="Before.")
    before = fresh(payment)
    assert act(payment.pk) is (status in sources)
    after = fresh(payment)
    if status in sources:
        assert after.status == to
    else:
        assert vars(after) | {"_state": None} == vars(before) | {"_state": None}


def test_the_table_holds_each_move_and_nothing_leaves_a_final_status() -> None:
    by_status: dict[Status, set[Status]] = {status: set() for status in Status}
    for _, to, sources in MOVES.values():
        by_status[to] |= sources
    assert {status: set(sources) for status, sources in SOURCES.items()} == by_status
    assert not {source for sources in SOURCES.values() for source in sources} & set(FINAL)
    assert set(OPEN) | set(FINAL) == set(Status)


@pytest.mark.django_db
def test_the_first_end_wins() -> None:
    payment = accept()
    moves.begin_charging(payment.pk)
    assert moves.end_charging(payment.pk, SETTLED)
    assert not moves.end_charging(payment.pk, DECLINED)
    assert not moves.end_charging(payment.pk, Charge(id="ch_9", is_settled=True))
    assert (fresh(payment).status, fresh(payment).charge_id) == (Status.SETTLED, "ch_1")
