"""Messages that were published and are gone: a queue purged, a broker's disk lost, a dead letter.

The ledger knows that the job waits; the broker, asked, knows of no message for it.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import DatabaseError
from django.db.models import Max
from django.db.models.functions import Coalesce
from django.utils import timezone

from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)

#: A message published this long ago has had time to be delivered, or to be seen in its queue.
GRACE = timedelta(seconds=60)
BATCH = 500
#: What AMQP answers for a queue that is not there.
NOT_FOUND = 404


def mark_lost_messages() -> int:
    """Mark the waiting jobs as unpublished whose messages are gone; how many.

    In an empty queue every message older than GRACE is gone. In one that is not, those are that
    younger messages have overtaken by more than GRACE. A mistake costs a duplicate message, which
    claims nothing.
    """
    now = timezone.now()
    waiting = Job.objects.filter(state=State.QUEUED, published_at__lt=now - GRACE)
    queues = list(waiting.order_by().values_list("queue", flat=True).distinct())
    return sum(_look_at(queue, waiting.filter(queue=queue), now) for queue in queues)


def _look_at(queue: str, waiting: Any, now: datetime) -> int:
    try:
        bound = _bound(queue, now)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever the broker's client raises: the others are looked at
        log.warning("The broker does not tell of queue %s: %s", queue, error)
        return 0
    return _mark(waiting, bound)


def _mark(waiting: Any, bound: datetime | None) -> int:
    if bound is None:
        return 0
    gone = waiting.filter(published_at__lt=bound).order_by("published_at")
    ids = list(gone.values_list("id", flat=True)[:BATCH])
    lost = Job.objects.filter(id__in=ids, state=State.QUEUED).update(published_at=None)
    if lost:
        log.warning("%d messages are gone from the broker; their jobs are sent again", lost)
    return lost


def _bound(queue: str, now: datetime) -> datetime | None:
    """Messages of the queue published before this moment are gone; None where none surely is."""
    if _waiting_in_broker(queue) == 0:
        return now - GRACE
    recent = Job.objects.filter(queue=queue, started_at__gte=now - GRACE)
    # A job that was claimed at once has no note; its message is no older than its place in the queue.
    sent = Coalesce("published_at", "queued_at")
    newest: datetime | None = recent.aggregate(newest=Max(sent))["newest"]
    return None if newest is None else newest - GRACE


def _waiting_in_broker(queue: str) -> int:
    known: Any = current_app.amqp.queues
    if not known.create_missing and queue not in known:
        return -1
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        try:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except broker.channel_errors as error:
            if getattr(error, "reply_code", None) != NOT_FOUND:
                raise
            # A broker that starts anew has no queue either until somebody declares it.
            return 0
