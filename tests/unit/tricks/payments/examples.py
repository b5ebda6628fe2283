"""Payments as the tests need them."""

import itertools
from typing import Any

from celery_uncovered.tricks.payments import accepting
from celery_uncovered.tricks.payments.models import Payment

_numbers = itertools.count(1)


def token() -> str:
    """That of a form that nobody has seen yet."""
    return f"form-of-the-test-{next(_numbers)}"


def accept(
    amount: str = "12.50", *, form: str = "", payer_id: int | None = None, session: str = "s" * 40
) -> Payment:
    wanted = accepting.judge(
        token=form or token(), amount=amount, currency="EUR", reference="Order 1042"
    )
    return accepting.accept(wanted, payer_id=payer_id, session=session)


def fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def change(payment: Payment, **fields: Any) -> None:
    """Past the one door, as no code does."""
    Payment.objects.filter(pk=payment.pk).update(**fields)
