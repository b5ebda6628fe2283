"""Webhooks for the tests, signed as GitHub signs them."""

import json
import uuid
from typing import Any

from django.test import Client

from celery_uncovered.advex.reminders.github import recorded, sign

SECRET = "known to the tests and to GitHub"  # made up
ADDRESS = "/webhooks/github/"


def post(
    body: bytes,
    *,
    event: str = "pull_request",
    guid: str | None = None,
    signature: str | None = None,
    content_type: str = "application/json",
) -> Any:
    """The answer to a webhook; from a client that checks CSRF tokens and has none."""
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()) if guid is None else guid,
        "X-Hub-Signature-256": sign(body, SECRET) if signature is None else signature,
    }
    present = {name: value for name, value in headers.items() if value}
    client = Client(enforce_csrf_checks=True)
    return client.post(ADDRESS, body, content_type=content_type, headers=present)


def post_recorded(name: str, **options: Any) -> Any:
    """Byte for byte as recorded."""
    found = recorded.recorded(name)
    return post(found.body, **{"event": found.event, **options})


def changed(name: str, **changes: Any) -> bytes:
    """A recorded body with other values at its top; None leaves one out."""
    payload = json.loads(recorded.recorded(name).body) | changes
    return json.dumps({key: value for key, value in payload.items() if value is not None}).encode()


def of_pull(name: str, **changes: Any) -> bytes:
    """A recorded body with other values in its pull request."""
    payload = json.loads(recorded.recorded(name).body)
    payload["pull_request"] |= changes
    return json.dumps(payload).encode()
