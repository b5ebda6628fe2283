"""Charging one payment: named steps, each of which may be the last one before the process dies.

``claimed → noted → asked → ended``. An attempt that comes after a dead one begins anew and asks under
the same key, so that the gateway answers with the charge that it has, if it has one. Whoever writes
second changes nothing: each status is written by a guarded statement.
"""

from typing import Any

from django.conf import settings

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.payments import moves
from celery_uncovered.tricks.payments.gateway import Charge, Gateway, GatewayError, Order
from celery_uncovered.tricks.payments.gateway.transport import Bounds
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.states import Status

#: How often a job asks a gateway that does not answer, and the longest wait between, in seconds.
MOST_RETRIES = 8
LONGEST_WAIT = 300.0


def charge(payment_id: int) -> dict[str, Any]:
    """Bring the payment to its end; what the job results in.

    Raises GatewayError: the payment stays CHARGING then, and may have been charged. Raises
    JobCancelledError where its job was cancelled before the gateway was told of it.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.status == Status.ACCEPTED:
        if jobs.running_attempt() is not None:
            jobs.check_cancelled()
        moves.begin_charging(payment_id)
        payment.refresh_from_db(fields=["status"])
    if not payment.is_final:
        moves.end_charging(payment_id, ask(payment))
        payment.refresh_from_db()
    return {"status": payment.status, "charge": payment.charge_id, "reason": payment.reason}


def ask(payment: Payment) -> Charge:
    """Have the gateway charge it, under its key. Raises GatewayError."""
    with open_gateway() as gateway:
        return gateway.charge(order_of(payment))


def order_of(payment: Payment) -> Order:
    """The same for ever: all of it was stored when the payment was accepted."""
    return Order(
        key=payment.task_id,
        amount=payment.amount,
        currency=payment.currency,
        reference=payment.reference,
    )


def open_gateway() -> Gateway:
    return Gateway(
        settings.PAYMENTS_GATEWAY_URL,
        settings.PAYMENTS_GATEWAY_TOKEN,
        bounds=Bounds(
            read=settings.PAYMENTS_READ_TIMEOUT, deadline=2 * settings.PAYMENTS_READ_TIMEOUT
        ),
    )


def retry_delay(error: GatewayError, retries: int) -> float | None:
    """Seconds until the gateway is worth another try; None when this job has none left."""
    if not error.is_retryable or retries >= MOST_RETRIES:
        return None
    return float(min(settings.PAYMENTS_RETRY_SECONDS * 2**retries, LONGEST_WAIT))
