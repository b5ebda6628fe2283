"""Which beat leads: one decides, the others stand by and take over when it is gone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from celery_uncovered.jobs import node
from celery_uncovered.jobs.leadership import ABSURD, Candidate
from celery_uncovered.jobs.models import Leader

ROLE = "beat"
#: How long a lead lasts that is not renewed, and how often it is.
LEAD_SECONDS, RENEW_SECONDS = 15.0, 3.0


@dataclass(frozen=True, kw_only=True)
class Beating:
    """Whether a beat leads now; ``holder`` is the id of its process, or of the one that led last."""

    is_led: bool
    holder: str = ""
    until: datetime | None = None


def beating() -> Beating:
    leader = Leader.objects.filter(role=ROLE).first()
    if leader is None:
        return Beating(is_led=False)
    now = timezone.now()
    is_led = now < leader.expires_at <= now + ABSURD
    return Beating(is_led=is_led, holder=leader.holder, until=leader.expires_at)


@dataclass(kw_only=True)
class Leading:
    """The part of one process: it asks for the lead, and renews it while it has it."""

    candidate: Candidate = field(
        default_factory=lambda: Candidate(
            role=ROLE, holder=node.identify().id, seconds=LEAD_SECONDS
        )
    )
    clock: Callable[[], float] = time.monotonic
    epoch: int | None = None
    _renewed: float = float("-inf")

    def look(self) -> int | None:
        """The epoch that this process leads in; None while another leads."""
        if self.epoch is None:
            if self._may_lead():
                self._lead()
        elif self.clock() - self._renewed >= RENEW_SECONDS:
            self._lead()
        return self.epoch

    def lose(self) -> None:
        """Another leads, or may by now: ask anew."""
        self.epoch = None

    def resign(self) -> None:
        """Let another lead at once, if this one does."""
        if self.epoch is not None:
            self.epoch = None
            self.candidate.resign()

    def _lead(self) -> None:
        self._renewed = self.clock()
        self.epoch = self.candidate.lead()

    def _may_lead(self) -> bool:
        """Without writing anything: whether nobody leads, or a process that is no more."""
        leader = beating()
        if not leader.is_led or leader.holder == self.candidate.holder:
            return True
        identity = node.identity_of(leader.holder)
        if identity is None or not node.is_surely_dead(identity):
            return False
        Candidate(role=ROLE, holder=leader.holder, seconds=0).resign()
        return True
