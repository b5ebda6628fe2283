"""The tasks of the examples, for Celery, which looks for them here."""

from celery_uncovered.tricks.letters.tasks import gather_letters, send_letter, write_to_members
from celery_uncovered.tricks.payments.tasks import (
    charge_payment,
    settle_hanging_payments,
    submit_forgotten_payments,
)
from celery_uncovered.tricks.task_log.tasks import bake_bread

__all__ = [
    "bake_bread",
    "charge_payment",
    "gather_letters",
    "send_letter",
    "settle_hanging_payments",
    "submit_forgotten_payments",
    "write_to_members",
]
