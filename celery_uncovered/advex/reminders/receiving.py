"""Taking a webhook: its signature is checked, and what it changes is one transaction."""

import hashlib
import re
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from celery_uncovered.advex.reminders.errors import (
    BadRequestError,
    BadSignatureError,
    NoSecretError,
)
from celery_uncovered.advex.reminders.github import (
    CLOSED,
    OPENED,
    BadPayloadError,
    PullRequestEvent,
    is_signature,
    is_signed,
    read_event,
)
from celery_uncovered.advex.reminders.models import Delivery, PullRequest
from celery_uncovered.advex.reminders.workflow import closed_key, pull_request_reminders
from celery_uncovered.workflows import api as workflows

_GUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_EVENT = re.compile(r"[a-z_]{1,64}")

#: What becomes of a webhook, in plain words.
PONG, IGNORED, SEEN = "pong", "ignored", "seen before"
STARTED, TOLD = "reminders started", "reminders told to end"
OPEN_ALREADY, CLOSED_ALREADY, TOO_LATE = (
    "open already",
    "closed already",
    "older than what is known",
)
NOT_KNOWN = "no reminders to end"
#: Those for which there is more to do, by a worker.
GOES_ON = (STARTED, TOLD)


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The headers that count; only ``signature`` cannot be invented by whoever has no secret."""

    event: str
    guid: str
    signature: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    word: str
    run_id: str = ""


def check_heading(heading: Heading) -> None:
    """What is to be checked before the body is read. Raises WebhookError."""
    if not _secret():
        raise NoSecretError
    if not is_signature(heading.signature):
        reason = "the header X-Hub-Signature-256 is missing, or is none"
        raise BadSignatureError(reason)
    if not _EVENT.fullmatch(heading.event):
        message = "The header X-GitHub-Event is missing, or names no event."
        raise BadRequestError(message)
    if heading.guid and not _GUID.fullmatch(heading.guid):
        message = "The header X-GitHub-Delivery is no GUID."
        raise BadRequestError(message)


def receive(heading: Heading, body: bytes) -> Outcome:
    """Take a webhook once, however often it comes. Raises WebhookError."""
    check_heading(heading)
    if not is_signed(body, _secret(), heading.signature):
        reason = "its signature does not fit its body and our secret"
        raise BadSignatureError(reason)
    if heading.event == "ping":
        return Outcome(word=PONG)
    if heading.event != "pull_request":
        return Outcome(word=IGNORED)
    try:
        event = read_event(body)
    except BadPayloadError as error:
        raise BadRequestError(str(error)) from None
    if isinstance(event, str):
        return Outcome(word=IGNORED)
    return _take(event, heading, hashlib.sha256(body).hexdigest())


def _take(event: PullRequestEvent, heading: Heading, body_hash: str) -> Outcome:
    delivery = Delivery(guid=heading.guid or None, body_hash=body_hash, action=event.action)
    with transaction.atomic():
        try:
            with transaction.atomic():
                # Whoever brings the same at this moment waits here until we have committed.
                delivery.save(force_insert=True)
        except IntegrityError:
            return Outcome(word=SEEN)
        outcome = _act_on(event)
        Delivery.objects.filter(pk=delivery.pk).update(outcome=outcome.word)
    return outcome


def _act_on(event: PullRequestEvent) -> Outcome:
    PullRequest.objects.get_or_create(repo=event.repo, number=event.number)
    pull = PullRequest.objects.select_for_update().get(repo=event.repo, number=event.number)
    pull.seen_at = timezone.now()
    outcome = _end(pull, event) if event.action == CLOSED else _begin(pull, event)
    pull.save()
    return outcome


def _begin(pull: PullRequest, event: PullRequestEvent) -> Outcome:
    if pull.is_open:
        # So that a close from before, on its way still, comes too late.
        pull.changed_at = max(event.changed_at, pull.changed_at or event.changed_at)
        return Outcome(word=OPEN_ALREADY, run_id=pull.run_id)
    if event.action == OPENED and pull.changed_at and event.changed_at <= pull.changed_at:
        return Outcome(word=TOO_LATE)
    pull.is_open, pull.changed_at = True, event.changed_at
    pull.openings += 1
    handle = workflows.start_with(
        pull_request_reminders,
        (pull.repo, pull.number),
        # One for each opening: the run of the last one may not have ended yet.
        key=f"{pull}/{pull.openings}",
    )
    pull.run_id = handle.id
    return Outcome(word=STARTED, run_id=handle.id)


def _end(pull: PullRequest, event: PullRequestEvent) -> Outcome:
    if pull.changed_at and event.changed_at < pull.changed_at:
        return Outcome(word=TOO_LATE, run_id=pull.run_id)
    was_open, pull.is_open, pull.changed_at = pull.is_open, False, event.changed_at
    if not was_open:
        return Outcome(word=CLOSED_ALREADY if pull.run_id else NOT_KNOWN)
    workflows.send_event(
        closed_key(pull.repo, pull.number), {"merged": event.is_merged, "by": event.by}
    )
    return Outcome(word=TOLD, run_id=pull.run_id)


def _secret() -> str:
    return str(settings.GITHUB_WEBHOOK_SECRET).strip()
