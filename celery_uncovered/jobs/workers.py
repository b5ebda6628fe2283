"""The workers that are alive: which queues they take jobs from, and whether one of them has a job."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now

from celery_uncovered.jobs.models import Job, Node
from celery_uncovered.jobs.node import identity_of, is_surely_dead
from celery_uncovered.jobs.states import State


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """A worker's main process. ``queues`` is None where it has not said what it takes jobs from."""

    id: str
    name: str
    host: str
    started_at: datetime
    beat_at: datetime
    queues: tuple[str, ...] | None

    def takes_from(self, queue: str) -> bool:
        return self.queues is None or queue in self.queues


def live_workers() -> list[WorkerInfo]:
    """Those that have beaten within the lease, without those that this host knows to be gone."""
    # The database's clock, which wrote the beats.
    bound = Now() - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    rows = Node.objects.filter(beat_at__gte=bound).order_by("name", "id")
    return [_info(row) for row in rows if not _is_surely_dead(row.id)]


def has_live_worker(task_id: str) -> bool:
    """Whether a worker that is alive executes this job now."""
    started = Job.objects.filter(id=task_id, state=State.STARTED)
    holder = started.values_list("lease_node", flat=True).first()
    return holder is not None and any(worker.id == holder for worker in live_workers())


def _is_surely_dead(node_id: str) -> bool:
    identity = identity_of(node_id)
    return identity is not None and is_surely_dead(identity)


def _info(row: Node) -> WorkerInfo:
    return WorkerInfo(
        id=row.id,
        name=row.name,
        host=row.host,
        started_at=row.started_at,
        beat_at=row.beat_at,
        queues=None if row.queues is None else tuple(json.loads(row.queues)),
    )
