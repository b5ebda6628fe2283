"""Rounds of mails: a minute apart, of twenty mails at most, each with a job of its own.

The job of round n has the key "error mails n". It closes its round before it looks for the last time
whether something waits; a keeper commits before it reads the number. So what a keeper has stored is
seen by the job of the round that it read, or that job is the next one.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from celery_uncovered.error_mails.models import Kind, Mail, Pace
from celery_uncovered.error_mails.names import MAIL_TASK
from celery_uncovered.jobs import api as jobs

MOST_MAILS = 20
APART = timedelta(seconds=60)
#: The errors of one fault come together: the first mail waits for them for a moment.
GATHER = timedelta(seconds=2)


def announce(known: int | None = None) -> int:
    """Submit the job of the round to come, if something waits to be mailed; the number of the round.

    ``known`` is a number that the caller has announced just now: that round needs no other job.
    """
    pace = current_pace()
    if pace.number != known and addresses() and is_anything_waiting():
        due = max(timezone.now() + GATHER, pace.not_before)
        jobs.submit(MAIL_TASK, args=[pace.number], unique_key=key_of(pace.number), eta=due)
    return pace.number


def is_anything_waiting() -> bool:
    return Kind.objects.filter(waiting__gt=0).exists() or Mail.objects.filter(sent_at=None).exists()


def key_of(number: int) -> str:
    return f"error mails {number}"


def current_pace(*, lock: bool = False) -> Pace:
    """The one row; with ``lock`` nobody else begins a mail or closes the round until the commit."""
    rows = Pace.objects.select_for_update() if lock else Pace.objects.all()
    return rows.filter(pk=1).first() or rows.get_or_create(pk=1)[0]


def close(number: int) -> None:
    """End a round, unless it has ended; the next one begins a minute after its last mail."""
    with transaction.atomic():
        pace = current_pace(lock=True)
        if pace.number != number:
            return
        pace.number += 1
        # By the table: an earlier attempt of the job may have sent it.
        last = Mail.objects.filter(round=number).aggregate(last=Max("sent_at"))["last"]
        if last is not None:
            pace.not_before = last + APART
        pace.save()


def addresses() -> list[str]:
    """Those of ADMINS: pairs of name and address, or addresses alone, as newer Django takes them."""
    return [admin if isinstance(admin, str) else str(admin[1]) for admin in settings.ADMINS]
