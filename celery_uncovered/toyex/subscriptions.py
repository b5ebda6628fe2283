"""Who gets the scheduled reports: asked for by anybody, confirmed by the owner of the address."""

import uuid
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.models import Report, Subscription
from celery_uncovered.toyex.report import BadInput, parse_period

MAIL_REPORT = "celery_uncovered.toyex.tasks.mail_report_task"
MAIL_CONFIRMATION = "celery_uncovered.toyex.tasks.mail_confirmation_task"
#: An address is asked about a period at most once in that time, whoever types it in how often.
ASKED_AGAIN_AFTER = timedelta(days=1)
_LONGEST_EMAIL = 254


def subscribe(email: str, period: str) -> None:
    """Ask the owner of ``email`` to confirm; an address that has confirmed hears nothing.

    Raises BadInput for what is no address or no period. Within ASKED_AGAIN_AFTER no second
    question about the same period is sent.
    """
    email = _parse_email(email)
    with transaction.atomic():
        subscription, _ = Subscription.objects.get_or_create(
            email=email, period=parse_period(period)
        )
        if _may_ask_now(subscription):
            _submit_mail(
                MAIL_CONFIRMATION,
                args=[subscription.pk],
                task_id=str(uuid.uuid4()),
                unique_key=f"confirm:{subscription.pk}",
            )


def find_by_token(token: str) -> Subscription | None:
    return Subscription.objects.filter(token=token).first()


def confirm(token: str) -> Subscription | None:
    """Start sending; again changes nothing. None for an unknown token."""
    unconfirmed = Subscription.objects.filter(token=token, confirmed_at=None)
    unconfirmed.update(confirmed_at=timezone.now())
    return find_by_token(token)


def leave(token: str) -> bool:
    """Send no more; False for an unknown token, such as one that has left already."""
    return bool(Subscription.objects.filter(token=token).delete()[0])


def submit_mails(report: Report) -> int:
    """Submit one mail job for each confirmed subscriber of the report's period; how many.

    Their ids follow from report and subscriber, so a report that is built again mails nobody twice.
    """
    subscribers = Subscription.objects.filter(period=report.period, confirmed_at__isnull=False)
    for subscription in subscribers:
        _submit_mail(
            MAIL_REPORT,
            args=[report.task_id, subscription.pk],
            task_id=f"{report.task_id}-mail-{subscription.pk}",
        )
    return len(subscribers)


def _parse_email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        is_email = False
    else:
        is_email = len(email) <= _LONGEST_EMAIL
    if not is_email:
        message = f'"{email[:80]}" is not an e-mail address.'
        raise BadInput(message)
    return email


def _may_ask_now(subscription: Subscription) -> bool:
    """Take the one question of this time; False when it was asked, or is not needed."""
    now = timezone.now()
    is_due = Q(asked_at=None) | Q(asked_at__lte=now - ASKED_AGAIN_AFTER)
    open_question = Subscription.objects.filter(is_due, pk=subscription.pk, confirmed_at=None)
    return bool(open_question.update(asked_at=now))


def _submit_mail(task: str, *, task_id: str, **options: Any) -> None:
    """As a job of its own: whoever reads a report does not read who gets it."""
    jobs.submit(task, task_id=task_id, root_id=task_id, **options)
