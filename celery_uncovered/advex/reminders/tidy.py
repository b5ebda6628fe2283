"""Webhooks that were taken are forgotten when nobody sends them again."""

from datetime import timedelta

from django.utils import timezone

from celery_uncovered.advex.reminders.models import Delivery

#: GitHub sends a delivery again, when asked to, for three days.
KEPT = timedelta(days=30)
BATCH = 1000


def forget_old_deliveries() -> int:
    """A step of it, short enough for the dispatcher; how many."""
    old = Delivery.objects.filter(received_at__lt=timezone.now() - KEPT).order_by("received_at")
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    Delivery.objects.filter(pk__in=ids).delete()
    return len(ids)
