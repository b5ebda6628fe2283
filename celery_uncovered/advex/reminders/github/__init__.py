"""GitHub's webhooks: their signature, what they say of a pull request, and recorded ones."""

from celery_uncovered.advex.reminders.github.events import (
    CLOSED,
    OPENED,
    REOPENED,
    BadPayloadError,
    PullRequestEvent,
    read_event,
)
from celery_uncovered.advex.reminders.github.signature import is_signature, is_signed, sign

__all__ = [
    "CLOSED",
    "OPENED",
    "REOPENED",
    "BadPayloadError",
    "PullRequestEvent",
    "is_signature",
    "is_signed",
    "read_event",
    "sign",
]
