"""The dispatcher: the one loop that publishes what is due and recovers what was lost."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, connection
from django.utils import timezone

from celery_uncovered.jobs import (
    idle,
    lost_messages,
    node,
    outbox,
    recovery,
    retention,
    set_aside,
)
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)

BATCH = 500
#: How soon a due job is noticed.
TICK_SECONDS = 0.1
#: How often the broker is asked whether published messages are still there.
LOST_SECONDS = 30.0
#: How soon a dead worker on this host, or an expired job, is noticed.
SWEEP_SECONDS = 1.0
#: How often the files that the embedded broker set aside are looked for.
COLLECT_SECONDS = 5.0
#: How often a pass of the retention begins, and how long it may keep the loop at each tick.
PURGE_SECONDS = 600.0
PURGE_SLICE = 0.03
#: The tick of the first pass: what waited while no dispatcher ran comes first.
FIRST_PURGE = round(60 / TICK_SECONDS)
#: A publisher has this long to send what it was given before the dispatcher does.
GRACE = timedelta(seconds=2)
LEAD_SECONDS = 20.0

Found = TypeVar("Found")


@dataclass(kw_only=True)
class Dispatcher:
    """Runs until ``stop`` is set. Two may run: only the elected one acts."""

    stop: threading.Event
    purge: retention.Purge | None = None

    def run(self) -> None:
        candidate = Candidate(role="dispatcher", holder=node.identify().id, seconds=LEAD_SECONDS)
        ticks_per_sweep = round(SWEEP_SECONDS / TICK_SECONDS)
        ticks_per_look = round(LOST_SECONDS / TICK_SECONDS)
        ticks_per_collection = round(COLLECT_SECONDS / TICK_SECONDS)
        tick, leads = 0, False
        while not self.stop.wait(TICK_SECONDS):
            if tick % ticks_per_sweep == 0:
                leads = _guarded(candidate.lead) is not None
            if leads:
                _act(sweep=tick % ticks_per_sweep == 0)
            if leads and tick % ticks_per_look == ticks_per_look - 1:
                _guarded(lost_messages.mark_lost_messages)
            if leads and tick % ticks_per_collection == ticks_per_collection - 1:
                _guarded(set_aside.collect_files)
            if leads:
                self._purge(tick)
            tick += 1
        _guarded(candidate.resign)

    def _purge(self, tick: int) -> None:
        """Go on with the pass that is under way for a moment: what is due must not wait for it."""
        if self.purge is None and tick % round(PURGE_SECONDS / TICK_SECONDS) == FIRST_PURGE:
            self.purge = retention.Purge()
        # One that fails is over: the next one begins anew.
        if self.purge is not None and _guarded(self._go_on_purging) is not False:
            self.purge = None

    def _go_on_purging(self) -> bool:
        return self.purge is None or self.purge.go_on(PURGE_SLICE)


def _act(*, sweep: bool) -> None:
    """Each step by itself: what stops one of them must not stop the others."""
    steps: list[Callable[[], object]] = [publish_due]
    if sweep:
        # What needs no broker comes first.
        steps = [
            idle.expire,
            recovery.recover_dead_nodes,
            recovery.fail_abandoned,
            publish_due,
            publish_unpublished,
        ]
    for step in steps:
        _guarded(step)


def _guarded(step: Callable[[], Found]) -> Found | None:
    try:
        return step()
    except Exception as error:  # noqa: BLE001  # the next round tries again
        log.warning("The dispatcher's %s failed: %s", step.__name__, error)
        connection.close()
        return None


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
    deliveries = [delivery for job in jobs if (delivery := _delivery_of(job)) is not None]
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


def _delivery_of(job: Job) -> outbox.Delivery | None:
    try:
        return outbox.delivery_of(job)
    except (KeyError, ValueError, TypeError) as error:
        log.warning("Job %s has no message that could be sent: %r", job.id, error)
        return None
