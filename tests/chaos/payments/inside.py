"""What a run calls in a process of the project."""

import contextlib
import random
from typing import Any

from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.sender import own_sender
from celery_uncovered.tricks.payments import charging
from celery_uncovered.tricks.payments.accepting import CHARGE
from celery_uncovered.tricks.payments.gateway import GatewayError
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.registering import FORGOTTEN, HANGING
from celery_uncovered.tricks.payments.states import OPEN, Status
from tests.chaos.payments.plan import ASKED_KIND, FORGOTTEN_KIND

ORPHAN = "orphan:"


def look_often(seconds: int) -> None:
    """Have both periodic tasks run every few seconds, where people have a minute."""
    often, _ = IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")
    for row in PeriodicTask.objects.filter(task__in=[FORGOTTEN, HANGING]):
        row.interval = often
        row.save()


def leave_without_a_job(reference: str, amount: int, kind: str) -> None:
    """A payment whose job is lost: "forgotten" before it began, "noted" as begun, or "asked" for.

    Nobody but the periodic tasks brings it on.
    """
    now = timezone.now()
    payment = Payment.objects.create(
        task_id=jobs.new_id(),
        form_token=f"{ORPHAN}{reference}",
        amount=amount,
        currency="EUR",
        reference=reference,
        check_at=now,
        status=Status.ACCEPTED if kind == FORGOTTEN_KIND else Status.CHARGING,
    )
    if kind == ASKED_KIND:
        with contextlib.suppress(GatewayError):  # it may be dead at this moment
            charging.ask(payment)


def repeat_messages(count: int, seed: int) -> int:
    """Send messages of some payments' jobs again, as a broker may: for the attempt to come and for the last."""
    known = list(Job.objects.filter(task=CHARGE).order_by("-created_at")[:200])
    chosen = random.Random(seed).sample(known, min(count, len(known)))  # noqa: S311
    deliveries = [
        Delivery(message=delivery.message, attempt=max(1, delivery.attempt - back))
        for delivery in map(outbox.delivery_of, chosen)
        for back in (0, 1)
    ]
    # Not by the door that has a gate.
    return len(own_sender().send(deliveries))


def submit_again(count: int, seed: int) -> int:
    """Submit other jobs for some payments that are open: two that charge the same one at once.

    Not for those whose job was lost: that is for the periodic tasks to find out.
    """
    is_open = Payment.objects.filter(status__in=OPEN).exclude(form_token__startswith=ORPHAN)
    known = list(is_open.values_list("pk", flat=True))
    chosen = random.Random(seed).sample(known, min(count, len(known)))  # noqa: S311
    for payment_id in chosen:
        jobs.submit(CHARGE, args=[payment_id])
    return len(chosen)


def unfinished() -> dict[str, int]:
    return {
        "payments": Payment.objects.filter(status__in=OPEN).count(),
        "jobs": Job.objects.filter(task=CHARGE).exclude(state__in=jobs.FINAL).count(),
    }


def payments() -> list[dict[str, Any]]:
    columns = ("task_id", "form_token", "reference", "amount", "currency", "status", "charge_id")
    return list(Payment.objects.order_by("reference").values(*columns))


def lost_attempts() -> int:
    return Attempt.objects.filter(task=CHARGE, outcome="LOST").count()
