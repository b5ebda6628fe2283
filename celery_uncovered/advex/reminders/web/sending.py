"""A recorded webhook, sent as GitHub would: signed by the secret, and taken as any other."""

import uuid

from django.conf import settings
from django.db.models import Max

from celery_uncovered.advex.reminders import receiving
from celery_uncovered.advex.reminders.github import recorded, sign
from celery_uncovered.advex.reminders.models import PullRequest
from celery_uncovered.advex.reminders.receiving import Heading, Outcome

#: The first number of a recorded pull request.
FIRST = 2


def send_recorded(webhook: str, number: int) -> Outcome:
    """Send the recorded webhook of this name (of ``SENT``) for that pull request. Raises WebhookError."""
    chosen = recorded.readdressed(recorded.SENT[webhook], number=number)
    secret = str(settings.GITHUB_WEBHOOK_SECRET).strip()
    heading = Heading(
        event=chosen.event, guid=str(uuid.uuid4()), signature=sign(chosen.body, secret)
    )
    return receiving.receive(heading, chosen.body)


def next_number() -> int:
    """That of a pull request that is not known yet."""
    known = PullRequest.objects.filter(repo=recorded.REPO)
    largest = known.aggregate(largest=Max("number"))["largest"]
    return FIRST if largest is None else largest + 1
