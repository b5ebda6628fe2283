"""A payment as the JSON document that scripts poll, and when its page is another one."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from celery_uncovered.tricks.payments.models import Payment

#: After that the page says that it takes longer than it should.
LONG = timedelta(seconds=30)


def document_of(payment: Payment) -> dict[str, Any]:
    ended = payment.ended_at
    return {
        "task_id": payment.task_id,
        "status": payment.status,
        "is_final": payment.is_final,
        "amount": payment.amount,
        "currency": payment.currency,
        "reference": payment.reference,
        "reason": payment.reason or None,
        "accepted": payment.accepted_at.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds") if ended else None,
    }


def takes_long(payment: Payment) -> bool:
    return not payment.is_final and timezone.now() - payment.accepted_at > LONG


def version_of(payment: Payment) -> str:
    """Another text whenever something on the card is another; the inner part of an ETag."""
    return f"{payment.task_id}-{payment.status}-{int(takes_long(payment))}"
