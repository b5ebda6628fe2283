"""Looking after payments that do not get on: what the two periodic tasks do.

Both take payments that are due to be looked at, the longest due first, and at most MOST of them. To
take one is a guarded UPDATE of its ``check_at``, so two rounds at once share the work, and one that
dies leaves the rest to the next. The time between two looks at a payment doubles.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator

from django.db.models import F
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.payments import charging, moves
from celery_uncovered.tricks.payments.accepting import CHARGE
from celery_uncovered.tricks.payments.gateway import GatewayError, Unavailable
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.states import Status

log = logging.getLogger(__name__)

#: Payments of one round, and how long it goes on taking them, in seconds.
MOST = 100
ROUND_SECONDS = 60.0
#: The time between two looks doubles so often: from a minute to an hour.
MOST_DOUBLINGS = 6

CANCELLED = "It was cancelled before anything was charged."


def submit_forgotten() -> Counter[str]:
    """See to it that each accepted payment has a live job, or ends; how many of each outcome."""
    due = _take(Status.ACCEPTED)
    states = jobs.job_states([payment.task_id for payment in due])
    return Counter(_bring_on(payment, states.get(payment.task_id)) for payment in due)


def settle_hanging() -> Counter[str]:
    """Ask the gateway about payments that it may have charged, and end those that it knows.

    One that it does not know was never asked for, or is asked for at this moment: its job is brought
    on, which asks under the same key. The round ends with the first time that nobody answers.
    """
    done: Counter[str] = Counter()
    until = time.monotonic() + ROUND_SECONDS
    with charging.open_gateway() as gateway:
        for payment in _taken_one_by_one(Status.CHARGING):
            try:
                charge = gateway.find(charging.order_of(payment))
            except Unavailable as error:
                log.warning("%s", error)
                done["unanswered"] += 1
                break
            except GatewayError as error:
                log.warning("Payment %s: %s", payment.task_id, error)
                done["refused"] += 1
                continue
            if charge is not None:
                done["ended" if moves.end_charging(payment.pk, charge) else "already ended"] += 1
            else:
                states = jobs.job_states([payment.task_id])
                done[_bring_on(payment, states.get(payment.task_id))] += 1
            if time.monotonic() > until:
                break
    return done


def _bring_on(payment: Payment, state: jobs.State | None) -> str:
    """Give a payment a live job, whatever became of the one it had; what was done, in a word.

    The key under which it is charged stays its own in each case.
    """
    if state is None:
        # It never had one, or that was removed; two who find so at once submit one job.
        jobs.submit(CHARGE, args=[payment.pk], task_id=payment.task_id)
        return "submitted"
    if state not in jobs.FINAL:
        return "under way"
    if state == jobs.State.REVOKED and moves.decline_uncharged(payment.pk, CANCELLED):
        return "declined"
    if state == jobs.State.SUCCESS:
        # It ended without ending the payment, and a success stands.
        jobs.submit(CHARGE, args=[payment.pk], unique_key=f"payment:{payment.pk}")
        return "submitted anew"
    try:
        jobs.retry_job(payment.task_id)
    except (jobs.NotRetriableError, jobs.JobNotFoundError):
        # Another round was quicker, or retention; the next look tells.
        return "under way"
    return "retried"


def _take(status: Status) -> list[Payment]:
    return list(_taken_one_by_one(status))


def _taken_one_by_one(status: Status) -> Iterator[Payment]:
    """Due payments; each is ours alone for this look, and was not taken before it is asked for."""
    now = timezone.now()
    due = Payment.objects.filter(status=status, check_at__lte=now).order_by("check_at")
    for payment in list(due[:MOST]):
        again_at = timezone.now() + moves.grace_period() * 2 ** min(payment.checks, MOST_DOUBLINGS)
        mine = Payment.objects.filter(pk=payment.pk, status=status, check_at=payment.check_at)
        if mine.update(check_at=again_at, checks=F("checks") + 1):
            yield payment
