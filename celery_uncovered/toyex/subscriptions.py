"""Who gets the scheduled reports: asked for by anybody, confirmed by the owner of the address."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.models import Report, Subscription
from celery_uncovered.toyex.report import BadInput, parse_period

MAIL_REPORT = "celery_uncovered.toyex.tasks.mail_report_task"
MAIL_CONFIRMATION = "celery_uncovered.toyex.tasks.mail_confirmation_task"


def subscribe(email: str, period: str) -> None:
    """Ask the owner of ``email`` to confirm; an address that has confirmed hears nothing.

    Raises BadInput for what is no address or no period. One question an address and period at a
    time: while its mail is on the way no second one is sent.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        message = f'"{email[:80]}" is not an e-mail address.'
        raise BadInput(message) from None
    with transaction.atomic():
        subscription, _ = Subscription.objects.get_or_create(
            email=email, period=parse_period(period)
        )
        if subscription.confirmed_at is None:
            jobs.submit(
                MAIL_CONFIRMATION,
                args=[subscription.pk],
                unique_key=f"confirm:{subscription.pk}",
            )


def find_by_token(token: str) -> Subscription | None:
    return Subscription.objects.filter(token=token).first()


def confirm(token: str) -> Subscription | None:
    """Start sending; again changes nothing. None for an unknown token."""
    subscription = find_by_token(token)
    if subscription is not None and subscription.confirmed_at is None:
        subscription.confirmed_at = timezone.now()
        subscription.save(update_fields=["confirmed_at"])
    return subscription


def leave(token: str) -> bool:
    """Send no more; False for an unknown token, such as one that has left already."""
    return bool(Subscription.objects.filter(token=token).delete()[0])


def submit_mails(report: Report) -> int:
    """Submit one mail job for each confirmed subscriber of the report's period; how many.

    Their ids follow from report and subscriber, so a report that is built again mails nobody twice.
    """
    subscribers = Subscription.objects.filter(period=report.period, confirmed_at__isnull=False)
    for subscription in subscribers:
        jobs.submit(
            MAIL_REPORT,
            args=[report.task_id, subscription.pk],
            task_id=f"{report.task_id}-mail-{subscription.pk}",
        )
    return len(subscribers)
