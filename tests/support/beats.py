"""A beat in the test's own process, by a clock that the test moves: a night passes in a moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import current_app
from django.utils import timezone

from celery_uncovered.jobs.models import Occurrence
from celery_uncovered.jobs.schedules.leading import Leading
from celery_uncovered.jobs.schedules.scheduler import LedgerScheduler
from celery_uncovered.jobs.submit import import_tasks

#: A beat is never asleep for longer.
LONGEST = timedelta(seconds=1)


def seconds_now() -> float:
    return timezone.now().timestamp()


class Beat:
    """``traveller`` is time_machine's. Two of them are two candidates for the lead."""

    def __init__(self, traveller: Any, name: str = "") -> None:
        import_tasks()
        self.traveller = traveller
        self.scheduler = LedgerScheduler(app=current_app, clock=seconds_now)
        if name:
            leading: Leading = self.scheduler.leading
            # No process of this host: its lead ends only by time.
            leading.candidate = leading.candidate.__class__(
                role=leading.candidate.role, holder=name, seconds=leading.candidate.seconds
            )

    def tick(self) -> float:
        """Tick until there is nothing more to do at this moment; the seconds that beat would sleep."""
        for _ in range(10_000):
            seconds = float(self.scheduler.tick())
            if seconds > 0:
                return seconds
        message = "Beat never sleeps."
        raise AssertionError(message)

    def run_until(self, end: datetime, *, stride: timedelta | None = None) -> None:
        """Let time pass as beat sleeps, or by ``stride`` where nobody changes anything meanwhile."""
        while timezone.now() < end:
            pause = timedelta(seconds=self.tick())
            if stride is not None and pause >= LONGEST:
                pause = stride
            self.traveller.move_to(min(end, timezone.now() + pause))
        self.tick()


def outcomes_of(schedule_id: int, tell: Callable[[Occurrence], Any] | None = None) -> list[Any]:
    """The decided occurrences in order: when they were due, and what became of them."""
    rows = Occurrence.objects.filter(schedule_id=schedule_id).order_by("due_at")
    return [tell(row) if tell else (utc(row.due_at), row.outcome) for row in rows]


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%m-%d %H:%M:%S")
