"""The tables of the examples, each of which keeps its own in its folder."""

from celery_uncovered.tricks.payments.models import Payment

__all__ = ["Payment"]
