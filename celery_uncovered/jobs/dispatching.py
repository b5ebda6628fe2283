"""How the dispatcher does: who leads, when it acted last, and how late it was."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min
from django.utils import timezone

from celery_uncovered.jobs import looks, pausing
from celery_uncovered.jobs.models import Job, Leader
from celery_uncovered.jobs.sender import most_ahead
from celery_uncovered.jobs.states import State

ROLE = "dispatcher"
#: A publisher has this long to send what it was given before the dispatcher does.
GRACE = timedelta(seconds=2)
#: Seconds without an act, or of lag, from which on something is wrong.
SILENT, LATE = 10.0, 30.0
NOTE = "UPDATE jobs_leader SET acted_at = %s, lag_seconds = %s WHERE role = %s AND holder = %s"


@dataclass(frozen=True, kw_only=True)
class Dispatching:
    """``lag`` is how many seconds the oldest job was late that waited for it when it acted last.

    ``holder`` is the id of the node that leads, or led last; "" where none ever did. ``acted_at`` is
    None then.
    """

    holder: str
    is_led: bool
    acted_at: datetime | None
    lag: float

    @property
    def is_well(self) -> bool:
        return self.is_led and self.lag < LATE and self._silence() < SILENT

    @property
    def sentence(self) -> str:
        """For people."""
        if self.acted_at is None or not self.is_led:
            return (
                "No dispatcher runs: what is due later, and what a dead worker held, waits until one"
                " is started (manage.py dispatcher)."
            )
        if self._silence() >= SILENT:
            return f"The dispatcher has not acted for {self._silence():.0f} s."
        if self.lag >= LATE:
            return f"The dispatcher is {self.lag:.0f} s late."
        return f"The dispatcher acts; it was {self.lag:.1f} s late."

    def _silence(self) -> float:
        """Seconds since its last act."""
        if self.acted_at is None:
            return float("inf")
        return max(0.0, (timezone.now() - self.acted_at).total_seconds())


def dispatching() -> Dispatching:
    leader = Leader.objects.filter(role=ROLE).first()
    if leader is None:
        return Dispatching(holder="", is_led=False, acted_at=None, lag=0.0)
    return Dispatching(
        holder=leader.holder,
        is_led=leader.expires_at > timezone.now(),
        acted_at=leader.acted_at,
        lag=leader.lag_seconds or 0.0,
    )


def note_lag(holder: str) -> float:
    """Note how late the dispatcher ``holder`` is, if it leads; the seconds."""
    now = timezone.now()
    is_late = looks.finds(looks.DUE, now) or looks.finds(looks.UNPUBLISHED, now - GRACE)
    late = lag() if is_late else 0.0
    looks.changes(NOTE, now, late, ROLE, holder)
    return late


def lag() -> float:
    """The seconds for which the oldest job has waited that the dispatcher should have sent by now."""
    now = timezone.now()
    due = Job.objects.filter(state__in=[State.SCHEDULED, State.RETRY], due_at__lte=now)
    since = [due.aggregate(at=Min("due_at"))["at"]]
    if most_ahead() is None:
        # Where the broker holds few messages the rest waits for room, and not for the dispatcher.
        left = Job.objects.filter(state=State.QUEUED, published_at=None, queued_at__lte=now - GRACE)
        left = left.exclude(queue__in=pausing.names_of_paused())
        oldest = left.aggregate(at=Min("queued_at"))["at"]
        since.append(oldest and oldest + GRACE)
    return max(((now - at).total_seconds() for at in since if at), default=0.0)
