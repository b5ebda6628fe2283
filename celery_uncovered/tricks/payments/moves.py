"""The one door through which a payment's status changes: a guarded UPDATE for each move."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from celery_uncovered.tricks.payments.gateway import Charge
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.states import SOURCES, Status


def begin_charging(payment_id: int) -> bool:
    """Committed before the gateway is asked; False where the payment is not ACCEPTED (any more)."""
    now = timezone.now()
    return _move(
        payment_id, Status.CHARGING, charging_at=now, check_at=now + grace_period(), checks=0
    )


def end_charging(payment_id: int, charge: Charge) -> bool:
    """Settle or decline as the gateway says; False where that was done before."""
    if charge.is_settled:
        return _move(payment_id, Status.SETTLED, charge_id=charge.id, ended_at=timezone.now())
    return _move(
        payment_id,
        Status.DECLINED,
        sources=(Status.CHARGING,),
        charge_id=charge.id,
        reason=charge.reason,
        ended_at=timezone.now(),
    )


def decline_uncharged(payment_id: int, reason: str) -> bool:
    """Decline a payment of which the gateway was never told; False where it may have been."""
    return _move(
        payment_id,
        Status.DECLINED,
        sources=(Status.ACCEPTED,),
        reason=reason,
        ended_at=timezone.now(),
    )


def grace_period() -> timedelta:
    """How long a payment may stay as it is before somebody looks after it."""
    return timedelta(seconds=settings.PAYMENTS_GRACE_SECONDS)


def _move(
    payment_id: int, to: Status, *, sources: tuple[Status, ...] | None = None, **changes: Any
) -> bool:
    """``sources`` narrows the table's; whoever comes second changes nothing."""
    allowed = [one for one in SOURCES[to] if sources is None or one in sources]
    found = Payment.objects.filter(pk=payment_id, status__in=allowed)
    return bool(found.update(status=to, **changes))
