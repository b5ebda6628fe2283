"""What must hold after a run, whatever died: a sentence for everything that does not."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.audit import shortened
from tests.chaos.payments.plan import BOUNDARIES, Plan

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The payments' rows, the gateway's charges and counts, who died where, and what people were told."""

    payments: list[Row]
    charges: list[Row]
    counts: dict[str, int]
    deaths: Counter[str]
    led_to: dict[str, list[str]]


def problems(evidence: Evidence, plan: Plan) -> list[str]:
    """Empty when each payment was charged once."""
    checks = (payments, people, charges, sums, repeats, deaths)
    found = [shortened(list(check(evidence, plan))) for check in checks]
    return [problem for several in found for problem in several]


def payments(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """One for each form, settled, of the amount that was asked for."""
    if len(evidence.payments) != plan.payments:
        yield f"There are {len(evidence.payments):,} payments, not {plan.payments:,}."
    for name in ("form_token", "task_id", "reference", "charge_id"):
        for value, times in Counter(row[name] for row in evidence.payments).items():
            if times > 1:
                yield f"{times} payments have the {name} {value!r}."
    for row in evidence.payments:
        if row["status"] != "SETTLED":
            yield f"Payment {row['reference']!r} is {row['status']}."
        if (row["amount"], row["currency"]) != (plan.amount_of(row["reference"]), "EUR"):
            yield f"Payment {row['reference']!r} is of {row['amount']} {row['currency']}."


def people(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """However often somebody pressed, all answers led to the one payment."""
    ids = {row["reference"]: row["task_id"] for row in evidence.payments}
    for reference, addresses in evidence.led_to.items():
        if {address.strip("/").rpartition("/")[2] for address in addresses} != {ids.get(reference)}:
            yield f"Who paid {reference!r} was led to {addresses}; its id is {ids.get(reference)}."


def charges(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """One charge under each payment's frozen id, the one that its row names, and no other."""
    if evidence.counts["charges"] != plan.payments or evidence.counts["declined"]:
        yield f"The gateway counts {evidence.counts}; there were to be {plan.payments:,} charges."
    known = {row["task_id"]: row for row in evidence.payments}
    keys = Counter(charge["key"] for charge in evidence.charges)
    for key in known.keys() - keys.keys():
        yield f"Payment {known[key]['reference']!r} was never charged."
    for charge in evidence.charges:
        row = known.get(charge["key"])
        if row is None or keys[charge["key"]] != 1:
            yield f"Charge {charge['id']} has the key {charge['key']}: {keys[charge['key']]} times."
        elif (row["charge_id"], row["amount"]) != (charge["id"], charge["amount"]):
            yield f"Payment {row['reference']!r} and charge {charge} differ."


def sums(evidence: Evidence, plan: Plan) -> Iterator[str]:
    asked = sum(map(plan.amount_of, plan.references()))
    accepted = sum(row["amount"] for row in evidence.payments)
    if not asked == accepted == evidence.counts["amount"]:
        yield f"Asked {asked}, accepted {accepted}, charged {evidence.counts['amount']} cents."


def repeats(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """A run in which no request was repeated shows nothing."""
    if not evidence.counts["requests"] > evidence.counts["charges"]:
        yield f"No request was repeated: {evidence.counts}."


def deaths(evidence: Evidence, plan: Plan) -> Iterator[str]:
    for boundary in BOUNDARIES:
        if evidence.deaths[boundary] < plan.kills:
            times = evidence.deaths[boundary]
            yield f"Too mild: {times} died at {boundary!r}; {plan.kills} were to."
