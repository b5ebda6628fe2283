"""What is old goes: kinds that came no more, mails that were sent, keepers of processes that ended."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from celery_uncovered.error_mails.models import Keeper, Kind, Mail
from celery_uncovered.error_mails.storing import MOST_KINDS

KEPT = timedelta(days=30)
#: Mails and kinds that are kept at most, the newest ones, whatever their age.
KEPT_MAILS, KEPT_KINDS = 2000, MOST_KINDS * 8 // 10
#: Longer than a keeper can hold a batch back that it stored before: its database answered then.
KEPT_KEEPERS = timedelta(days=1)
BATCH = 200


def remove_old() -> int:
    """Remove it in small steps; how many rows, those of mails' parts left aside.

    What waits to be mailed stays, however old.
    """
    now = timezone.now()
    sent = Mail.objects.filter(sent_at__isnull=False)
    told = Kind.objects.filter(waiting=0)
    return (
        _remove(sent.filter(created_at__lt=now - KEPT))
        + _remove_beyond(sent, KEPT_MAILS, "-id")
        + _remove(told.filter(last_at__lt=now - KEPT))
        + _remove_beyond(told, KEPT_KINDS, "-last_at")
        + _remove(Keeper.objects.filter(seen_at__lt=now - KEPT_KEEPERS))
    )


def _remove_beyond(rows: Any, kept: int, order: str) -> int:
    surplus = list(rows.order_by(order).values_list("pk", flat=True)[kept:])
    return sum(
        _remove(rows.filter(pk__in=surplus[start : start + BATCH]))
        for start in range(0, len(surplus), BATCH)
    )


def _remove(rows: Any) -> int:
    """In steps; rows that somebody else is changing are left to the next time."""
    removed = 0
    while True:
        with transaction.atomic():
            locked = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
            ids = list(locked[:BATCH])
            rows.model.objects.filter(pk__in=ids).delete()
        removed += len(ids)
        if len(ids) < BATCH:
            return removed
