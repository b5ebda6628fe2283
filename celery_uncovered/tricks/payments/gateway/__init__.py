"""The payment gateway: what is asked of it, what it answers, and what can go wrong."""

from celery_uncovered.tricks.payments.gateway.client import Gateway
from celery_uncovered.tricks.payments.gateway.errors import (
    BrokenAnswer,
    GatewayError,
    Refused,
    Unavailable,
)
from celery_uncovered.tricks.payments.gateway.values import Charge, Order

__all__ = [
    "BrokenAnswer",
    "Charge",
    "Gateway",
    "GatewayError",
    "Order",
    "Refused",
    "Unavailable",
]
