"""The dispatcher: the one loop that publishes what is due and recovers what was lost."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone

from celery_uncovered.jobs import (
    chores,
    dispatching,
    idle,
    looks,
    lost_messages,
    node,
    outbox,
    pausing,
    recovery,
    retention,
    set_aside,
)
from celery_uncovered.jobs.dispatching import GRACE, ROLE
from celery_uncovered.jobs.errors import NotAllSentError
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.sender import room_in_queues
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)

BATCH = 1000
#: How long one step may go on sending while it finds full batches.
SPELL_SECONDS = 1.0
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
LEAD_SECONDS = 20.0
#: What a message is built from.
OF_MESSAGE = ("id", "task", "queue", "attempt", "body", "message", "due_at", "queued_at")

Found = TypeVar("Found")


@dataclass(kw_only=True)
class Dispatcher:
    """Runs until ``stop`` is set. Two may run: only the elected one acts."""

    stop: threading.Event
    purge: retention.Purge | None = None

    def run(self) -> None:
        candidate = Candidate(role=ROLE, holder=node.identify().id, seconds=LEAD_SECONDS)
        ticks_per_sweep = round(SWEEP_SECONDS / TICK_SECONDS)
        ticks_per_look = round(LOST_SECONDS / TICK_SECONDS)
        ticks_per_collection = round(COLLECT_SECONDS / TICK_SECONDS)
        rota = chores.Rota()
        tick, leads, behind = 0, False, False
        while not self.stop.wait(TICK_SECONDS):
            if tick % ticks_per_sweep == 0:
                leads = _guarded(candidate.lead) is not None
            if leads:
                behind = _act(sweep=behind or tick % ticks_per_sweep == 0)
            if leads and tick % ticks_per_look == ticks_per_look - 1:
                _guarded(lost_messages.mark_lost_messages)
            if leads and tick % ticks_per_collection == ticks_per_collection - 1:
                _guarded(set_aside.collect_files)
            for chore in rota.take_due() if leads else ():
                _guarded(chore.act)
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


def _act(*, sweep: bool) -> bool:
    """Each step by itself: what stops one of them must not stop the others.

    True where a sweep found messages that were never sent: more may wait.
    """
    if not sweep:
        _guarded(publish_due)
        return False
    # What needs no broker comes first.
    steps: list[Callable[[], object]] = [
        note_lag,
        idle.expire,
        recovery.recover_dead_nodes,
        recovery.fail_abandoned,
        pausing.mark_dropped,
        publish_due,
        publish_unpublished,
    ]
    return bool([_guarded(step) for step in steps][-1])


def _guarded(step: Callable[[], Found]) -> Found | None:
    try:
        return step()
    except Exception as error:  # noqa: BLE001  # the next round tries again
        name = getattr(step, "__name__", step)
        log.warning("The dispatcher's %s failed: %s", name, error)
        connection.close()
        return None


def note_lag() -> float:
    """Note how late this dispatcher is, before it does anything about it."""
    return dispatching.note_lag(node.identify().id)


def publish_due() -> int:
    """Queue and publish the jobs whose time has come; how many. Takes SPELL_SECONDS at most."""
    until = time.monotonic() + SPELL_SECONDS
    published = 0
    while True:
        now = timezone.now()
        if not looks.finds(looks.DUE, now):
            return published
        due = Job.objects.filter(state__in=[State.SCHEDULED, State.RETRY], due_at__lte=now)
        ids = list(due.order_by("due_at").values_list("id", flat=True)[:BATCH])
        if ids:
            due.filter(id__in=ids).update(state=State.QUEUED, queued_at=now, published_at=None)
            queued = Job.objects.filter(id__in=ids, state=State.QUEUED, published_at=None)
            queued = queued.exclude(queue__in=pausing.names_of_paused())
            try:
                published += _publish(list(queued.only(*OF_MESSAGE)))
            except NotAllSentError as error:
                return published + len(error.taken)
        if len(ids) < BATCH or time.monotonic() > until:
            return published


def publish_unpublished() -> int:
    """Publish the jobs that were committed but never confirmed by the broker; how many.

    Takes SPELL_SECONDS at most. On a broker that should not hold many messages, no more than there
    is room for in each queue.
    """
    since = timezone.now() - GRACE
    if not looks.finds(looks.UNPUBLISHED, since):
        return 0
    overdue = Job.objects.filter(state=State.QUEUED, published_at=None, queued_at__lte=since)
    paused = pausing.names_of_paused()
    if paused:
        overdue = overdue.exclude(queue__in=paused)
    until = time.monotonic() + SPELL_SECONDS
    rooms = room_in_queues()
    published = sum(
        _publish_all(overdue.filter(queue=queue), until, room) for queue, room in rooms.items()
    )
    return published + _publish_all(overdue.exclude(queue__in=rooms), until)


def _publish_all(jobs: Any, until: float, room: int | None = None) -> int:
    """Publish ``jobs``, oldest first, until there is no more time or room; how many."""
    published, rest = 0, jobs.order_by("queued_at").only(*OF_MESSAGE)
    while room is None or published < room:
        size = BATCH if room is None else min(BATCH, room - published)
        found = list(rest[:size])
        try:
            published += _publish(found)
        except NotAllSentError as error:
            return published + len(error.taken)
        if len(found) < size or time.monotonic() > until:
            break
        # Behind those that could not be sent; the next sweep begins with them again.
        rest = jobs.order_by("queued_at").filter(queued_at__gt=found[-1].queued_at)
    return published


def _publish(jobs: list[Job]) -> int:
    deliveries = [delivery for job in jobs if (delivery := _delivery_of(job)) is not None]
    if not deliveries:
        return 0
    try:
        return len(outbox.publish(deliveries))
    except NotAllSentError as error:
        log.warning("%d jobs wait: %s", len(deliveries) - len(error.taken), error)
        raise


def _delivery_of(job: Job) -> Delivery | None:
    try:
        return outbox.delivery_of(job)
    except (KeyError, ValueError, TypeError) as error:
        log.warning("Job %s has no message that could be sent: %r", job.id, error)
        return None
