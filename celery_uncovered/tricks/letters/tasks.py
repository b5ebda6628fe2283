"""Celery's edge: one job for a house, one for each letter, and one that gathers what was sent.

None of them takes a language or a tenant. Only the copy for the archive is told one: always English.
"""

from datetime import date
from typing import Any

from celery import chord, group, shared_task
from django.core.mail import EmailMessage
from django.utils import timezone

from celery_uncovered.tricks.letters.houses import own_house
from celery_uncovered.tricks.letters.writing import write_letter

ARCHIVE = "Archive"
ARCHIVE_LANGUAGE = "en-gb"


@shared_task(bind=True)
def write_to_members(self: Any) -> Any:
    """Write to all members of the house at once; the letters are this job's value in the end."""
    today = timezone.localdate().isoformat()
    letters = [
        send_letter.s(member, today, number) for number, member in enumerate(own_house().members)
    ]
    copy: Any = send_letter.s(ARCHIVE, today, 1)
    letters.append(copy.set(scope={"locale": ARCHIVE_LANGUAGE}))
    return self.replace(chord(group(letters), gather_letters.s()))


@shared_task(autoretry_for=(OSError,), max_retries=8, retry_backoff=5, retry_backoff_max=600)
def send_letter(member: str, joined: str, events: int) -> dict[str, Any]:
    """Write one letter and send it; the letter as it was sent."""
    letter = write_letter(member, joined=date.fromisoformat(joined), events=events)
    EmailMessage(
        letter.subject,
        letter.body,
        letter.sender,
        [letter.to],
        headers={"Content-Language": letter.language},
    ).send()
    return letter.to_json()


@shared_task
def gather_letters(letters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"letters": letters}
