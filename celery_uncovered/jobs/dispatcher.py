"""The dispatcher: the one loop that publishes what is due and recovers what was lost."""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.utils import timezone

from celery_uncovered.jobs import idle, node, outbox, recovery
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)

BATCH = 500
#: How soon a due job is noticed.
TICK_SECONDS = 0.1
#: How soon a dead worker on this host, or an expired job, is noticed.
SWEEP_SECONDS = 1.0
#: A publisher has this long to send what it was given before the dispatcher does.
GRACE = timedelta(seconds=2)
LEAD_SECONDS = 10.0


@dataclass(kw_only=True)
class Dispatcher:
    """Runs until ``stop`` is set. Two may run: only the elected one acts."""

    stop: threading.Event

    def run(self) -> None:
        candidate = Candidate(role="dispatcher", holder=node.identify().id, seconds=LEAD_SECONDS)
        ticks_per_sweep = round(SWEEP_SECONDS / TICK_SECONDS)
        tick, leads = 0, False
        try:
            while not self.stop.wait(TICK_SECONDS):
                try:
                    if tick % ticks_per_sweep == 0:
                        leads = candidate.lead() is not None
                    if leads:
                        _act(sweep=tick % ticks_per_sweep == 0)
                except DatabaseError as error:
                    log.warning("The dispatcher waits for the database: %s", error)
                    connection.close()
                tick += 1
        finally:
            _quietly(candidate.resign)


def _act(*, sweep: bool) -> None:
    publish_due()
    if sweep:
        idle.expire()
        recovery.recover_dead_nodes()
        publish_unpublished()


def publish_due() -> int:
    """Queue and publish the jobs whose time has come; how many."""
    now = timezone.now()
    due = Job.objects.filter(state__in=[State.SCHEDULED, State.RETRY], due_at__lte=now)
    ids = list(due.order_by("due_at").values_list("id", flat=True)[:BATCH])
    if not ids:
        return 0
    due.filter(id__in=ids).update(state=State.QUEUED, queued_at=now, published_at=None)
    return _publish(Job.objects.filter(id__in=ids, state=State.QUEUED, published_at=None))


def publish_unpublished() -> int:
    """Publish the jobs that were committed but never confirmed by the broker; how many."""
    overdue = Job.objects.filter(
        state=State.QUEUED, published_at=None, queued_at__lte=timezone.now() - GRACE
    )
    return _publish(overdue.order_by("queued_at")[:BATCH])


def _publish(jobs: Any) -> int:
    deliveries = [outbox.delivery_of(job) for job in jobs]
    if not deliveries:
        return 0
    try:
        outbox.publish(deliveries)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever the broker's client raises: they stay in the ledger
        log.warning("%d jobs wait for the broker: %s", len(deliveries), error)
        return 0
    return len(deliveries)


def _quietly(act: Any) -> None:
    try:
        act()
    except DatabaseError as error:
        log.warning("The dispatcher could not resign: %s", error)
