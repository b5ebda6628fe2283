"""The audit of a run of payments says every way in which it may have gone wrong."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.payments.audit import Evidence, Row, problems
from tests.chaos.payments.plan import ASKED_KIND, BOUNDARIES, Plan

PLAN = Plan(stack="embedded", payments=40, kills=1, spare=0, seed=1, orphans=3)


def good() -> Evidence:
    """What a run without a fault leaves."""
    rows: list[Row] = [
        {
            "task_id": f"id-{reference[-4:]}",
            "form_token": f"token {reference}",
            "reference": reference,
            "amount": PLAN.amount_of(reference),
            "currency": "EUR",
            "status": "SETTLED",
            "charge_id": f"ch_{reference[-4:]}",
        }
        for reference in PLAN.references()
    ]
    charges = [
        {"key": row["task_id"], "id": row["charge_id"], "amount": row["amount"]} for row in rows
    ]
    amount = sum(row["amount"] for row in rows)
    return Evidence(
        payments=rows,
        charges=charges,
        counts={"requests": 50, "repeated": 10, "charges": 40, "declined": 0, "amount": amount},
        deaths=Counter(dict.fromkeys(BOUNDARIES, 1)),
        led_to={row["reference"]: [f"/tricks/payments/{row['task_id']}/"] * 2 for row in rows},
    )


def test_a_run_without_a_fault_has_no_problem() -> None:
    assert problems(good(), PLAN) == []


def lose_a_payment(one: Evidence) -> Evidence:
    return replace(one, payments=one.payments[1:])


def leave_one_open(one: Evidence) -> Evidence:
    one.payments[3]["status"] = "CHARGING"
    return one


def pay_another_amount(one: Evidence) -> Evidence:
    one.payments[3]["amount"] += 1
    return one


def charge_twice(one: Evidence) -> Evidence:
    more = [*one.charges, one.charges[0] | {"id": "ch_more", "key": "another"}]
    return replace(one, charges=more, counts=one.counts | {"charges": 41})


def charge_another(one: Evidence) -> Evidence:
    one.charges[0]["id"] = "ch_another"
    return one


def charge_one_less(one: Evidence) -> Evidence:
    return replace(one, charges=one.charges[1:], counts=one.counts | {"charges": 39})


def charge_another_sum(one: Evidence) -> Evidence:
    return replace(one, counts=one.counts | {"amount": 1})


def repeat_nothing(one: Evidence) -> Evidence:
    return replace(one, counts=one.counts | {"requests": 40, "repeated": 0})


def lead_elsewhere(one: Evidence) -> Evidence:
    one.led_to["payment 0001"][1] = "/tricks/payments/another/"
    return one


def kill_nobody(one: Evidence) -> Evidence:
    return replace(one, deaths=one.deaths - Counter({"request sent": 1}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lose_a_payment, "There are 39 payments, not 40."),
        (leave_one_open, "Payment 'payment 0004' is CHARGING."),
        (pay_another_amount, "Payment 'payment 0004' is of "),
        (charge_twice, "there were to be 40 charges."),
        (charge_another, "Payment 'payment 0001' and charge"),
        (charge_one_less, "Payment 'payment 0001' was never charged."),
        (charge_another_sum, "charged 1 cents."),
        (repeat_nothing, "No request was repeated"),
        (lead_elsewhere, "Who paid 'payment 0001' was led to"),
        (kill_nobody, "Too mild: 0 died at 'request sent'; 1 were to."),
    ],
)
def test_each_fault_is_said(spoil: Callable[[Evidence], Evidence], said: str) -> None:
    found = problems(spoil(good()), PLAN)
    assert [problem for problem in found if said in problem], found


def test_a_plan_prepares_a_death_at_each_boundary_for_payments_of_people() -> None:
    plan = Plan(stack="embedded", payments=1000, kills=20, seed=7)
    own = plan.prepared()
    assert set(own) == {one for one in BOUNDARIES if not one.startswith("gateway")}
    assert set(own.values()) == {24}
    orphans: Any = plan.orphans_by_reference()
    assert len(orphans) == 60
    assert not orphans.keys() & plan.gates.keys()
    assert list(orphans.values()).count(ASKED_KIND) == 20
    assert not [one for one in plan.references() if plan.amount_of(one) % 100 == 13]
    assert plan.gates == Plan(stack="servers", payments=1000, kills=20, seed=7).gates
