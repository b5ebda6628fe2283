"""Leaders elected in the database: one row per role, the same on SQLite and PostgreSQL.

A leader acts only while its row names it; every take-over raises the epoch, so that an act of a
leader that was away can be told from one of its successor.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from celery_uncovered.jobs import looks
from celery_uncovered.jobs.errors import LeadLostError
from celery_uncovered.jobs.models import Leader

#: Longer than any lead, and than clocks of hosts that work together differ.
ABSURD = timedelta(hours=1)
RENEW = "UPDATE jobs_leader SET expires_at = %s WHERE role = %s AND holder = %s AND expires_at > %s"
EPOCH = "SELECT epoch FROM jobs_leader WHERE role = %s"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """``holder`` asks to lead as ``role``; its lead lasts ``seconds`` unless it is renewed."""

    role: str
    holder: str
    seconds: float

    def lead(self) -> int | None:
        """Take or renew the lead; the epoch, or None while another holds it."""
        now = timezone.now()
        until = now + timedelta(seconds=self.seconds)
        if looks.changes(RENEW, until, self.role, self.holder, now):
            # Nobody else leads, and the epoch is still the same, while the row names this holder.
            found = looks.first_row(EPOCH, self.role)
            return int(found[0]) if found else None
        with transaction.atomic():
            row = Leader.objects.filter(role=self.role)
            # No lead lasts for so long: whoever took it had a clock that was wrong.
            is_absurd = Q(expires_at__gt=now + ABSURD)
            free = row.filter(Q(expires_at__lte=now) | Q(holder=self.holder) | is_absurd)
            if free.update(holder=self.holder, epoch=F("epoch") + 1, expires_at=until):
                return row.values_list("epoch", flat=True).get()
            Leader.objects.bulk_create(
                [Leader(role=self.role, holder=self.holder, epoch=1, expires_at=until)],
                ignore_conflicts=True,
            )
            return row.filter(holder=self.holder).values_list("epoch", flat=True).first()

    def hold(self, epoch: int) -> None:
        """Keep the lead until the transaction ends: until then nobody can take it over.

        Raises LeadLostError where another has led since ``epoch`` began.
        """
        row = Leader.objects.filter(role=self.role, holder=self.holder, epoch=epoch)
        if not row.update(acted_at=timezone.now()):
            raise LeadLostError(self.role, self.holder)

    def resign(self) -> None:
        """Let another lead at once."""
        Leader.objects.filter(role=self.role, holder=self.holder).update(expires_at=timezone.now())
