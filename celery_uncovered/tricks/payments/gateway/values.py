"""What goes to the gateway, and what comes from it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from celery_uncovered.tricks.payments.gateway.errors import BrokenAnswer

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LONGEST = 200
NO_REASON = "The payment gateway gives no reason"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be charged, in smallest units, under ``key``: the same key is the same charge."""

    key: str
    amount: int
    currency: str
    reference: str

    def to_json(self) -> dict[str, Any]:
        return {"amount": self.amount, "currency": self.currency, "reference": self.reference}


@dataclass(frozen=True, kw_only=True)
class Charge:
    """The gateway's last word on an order; ``reason`` is one sentence where it was declined."""

    id: str
    is_settled: bool
    reason: str = ""

    @classmethod
    def from_body(cls, body: bytes, order: Order) -> "Charge":
        """Raises BrokenAnswer, also for a charge that is not that of ``order``."""
        found = _object(body)
        told = {name: found.get(name) for name in ("key", *order.to_json())}
        if told != {"key": order.key, **order.to_json()}:
            reason = "it tells of another charge"
            raise BrokenAnswer(reason)
        charge_id, status = found.get("id"), found.get("status")
        if not isinstance(charge_id, str) or not charge_id or len(charge_id) > 100:  # noqa: PLR2004  # the column's width
            reason = "it has no id"
            raise BrokenAnswer(reason)
        if status not in {"settled", "declined"}:
            reason = "it is neither settled nor declined"
            raise BrokenAnswer(reason)
        if status == "settled":
            return cls(id=charge_id, is_settled=True)
        reason = one_line(found.get("reason")) or NO_REASON
        return cls(id=charge_id, is_settled=False, reason=f"{reason}.")


def message_in(body: bytes) -> str:
    """The gateway's own words in a refusal, in one line."""
    try:
        words = one_line(_object(body).get("message"))
    except BrokenAnswer:
        words = ""
    return words or "no message"


def one_line(text: object) -> str:
    """As both databases take it, without a full stop; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    line = " ".join(_UNSTORABLE.sub("\ufffd", text).split())
    return line[:_LONGEST].strip(" .")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        reason = "it is no JSON object"
        raise BrokenAnswer(reason)
    return found
