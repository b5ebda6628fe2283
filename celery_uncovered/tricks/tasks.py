"""The tasks of the examples, for Celery, which looks for them here."""

from celery_uncovered.tricks.payments.tasks import (
    charge_payment,
    settle_hanging_payments,
    submit_forgotten_payments,
)

__all__ = ["charge_payment", "settle_hanging_payments", "submit_forgotten_payments"]
