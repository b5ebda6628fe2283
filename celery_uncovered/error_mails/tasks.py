"""Celery's edge: a round of mails, and the look at what waits."""

from typing import Any

from celery import shared_task

from celery_uncovered.error_mails import rounds, sending, tidy
from celery_uncovered.error_mails.quiet import quiet

#: Seconds between tries: short at first, since a mail server is back soon, or for long it is not.
LONGEST, LATER = 60, 600
TRIES_BEFORE_LATER = 60


@shared_task(bind=True, max_retries=None)
def mail_error_digests(self: Any, number: int) -> str:
    """Send the mails of round ``number``; tried until the mail server takes them."""
    with quiet():
        try:
            sent = sending.send_round(number)
        except Exception as error:  # noqa: BLE001  # raised again, to be tried again
            raise self.retry(
                exc=error, countdown=seconds_until_retry(self.request.retries)
            ) from None
    return f"{sent} mail{'' if sent == 1 else 's'} sent."


@shared_task
def tend_error_mails() -> str:
    """Submit the round of what waits although nobody did, and remove what is old."""
    with quiet():
        rounds.announce()
        removed = tidy.remove_old()
    return f"{removed} old rows removed."


def seconds_until_retry(retries: int) -> int:
    return LATER if retries >= TRIES_BEFORE_LATER else min(LONGEST, 2 ** min(retries, 6))
