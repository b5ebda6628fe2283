"""Celery's edge: each task takes ids, calls one function, returns."""

from typing import Any

from celery import shared_task

from celery_uncovered.tricks.payments import charging, mending
from celery_uncovered.tricks.payments.gateway import GatewayError


@shared_task(bind=True, max_retries=None)
def charge_payment(self: Any, payment_id: int) -> dict[str, Any]:
    """Charge one payment, once, however often this runs."""
    try:
        return charging.charge(payment_id)
    except GatewayError as error:
        delay = charging.retry_delay(error, self.request.retries)
        if delay is None:
            raise
        raise self.retry(exc=error, countdown=delay) from error


@shared_task
def submit_forgotten_payments() -> dict[str, int]:
    """Every minute: accepted payments that have no live job get one."""
    return dict(mending.submit_forgotten())


@shared_task
def settle_hanging_payments() -> dict[str, int]:
    """Every minute: the gateway is asked about payments that hang in CHARGING."""
    return dict(mending.settle_hanging())
