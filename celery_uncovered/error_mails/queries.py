"""What the pages show: kinds of errors, their mails, and what keeps mails from being sent."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from celery_uncovered.error_mails.models import Kind, Mail, Part
from celery_uncovered.error_mails.rounds import addresses

#: How far back the list of kinds reaches, how many it shows, and how many mails a kind's page.
RECENT = timedelta(days=1)
MOST_KINDS, MOST_MAILS = 200, 50


@dataclass(frozen=True, kw_only=True)
class Post:
    """How the mails fare: how many addresses get them, how many errors wait, why a mail is not sent."""

    recipients: int
    waiting: int
    trouble: str


def recent_kinds(limit: int = MOST_KINDS) -> list[Kind]:
    """Those that came within the last day, the last one first; without their long texts."""
    rows = Kind.objects.defer("traceback", "context")
    return list(
        rows.filter(last_at__gte=timezone.now() - RECENT).order_by("-last_at", "-id")[:limit]
    )


def mails_of(kind: Kind) -> list[Part]:
    """What the last mails tell of a kind, the newest first."""
    parts = kind.parts.select_related("mail").defer("mail__body", "mail__short_body")
    return list(parts.order_by("-mail_id")[:MOST_MAILS])


def parts_of(mail: Mail) -> list[Part]:
    """What a mail tells of each of its kinds, the most frequent first."""
    parts = mail.parts.select_related("kind").defer("kind__traceback", "kind__context")
    return list(parts.order_by("-count", "id")[:MOST_KINDS])


def post() -> Post:
    waiting = Kind.objects.filter(waiting__gt=0).aggregate(total=Sum("waiting"))["total"]
    unsent = Mail.objects.filter(sent_at=None).exclude(error="").order_by("id").first()
    return Post(
        recipients=len(addresses()),
        waiting=waiting or 0,
        trouble=unsent.error if unsent else "",
    )
