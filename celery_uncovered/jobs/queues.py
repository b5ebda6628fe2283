"""The queues: how much waits in each, who takes jobs from it, and whether it is paused."""

from dataclasses import dataclass

from celery import current_app

from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.pausing import PausedQueueInfo, paused_queues
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.workers import live_workers

#: More than these are not counted.
MOST_COUNTED = 1000


@dataclass(frozen=True, kw_only=True)
class QueueInfo:
    """``waiting`` is how many jobs are QUEUED in it, up to MOST_COUNTED; ``workers`` are names."""

    name: str
    waiting: int
    workers: tuple[str, ...]
    paused: PausedQueueInfo | None

    @property
    def is_more(self) -> bool:
        """Whether more wait than were counted."""
        return self.waiting >= MOST_COUNTED


def list_queues() -> list[QueueInfo]:
    """Those that are configured, paused, or taken from, by name."""
    workers, paused = live_workers(), paused_queues()
    taken_from = {name for worker in workers for name in worker.queues or ()}
    return [
        QueueInfo(
            name=name,
            waiting=Job.objects.filter(queue=name, state=State.QUEUED)[:MOST_COUNTED].count(),
            workers=tuple(worker.name for worker in workers if worker.takes_from(name)),
            paused=paused.get(name),
        )
        for name in sorted({*current_app.amqp.queues, *paused, *taken_from})
    ]
