"""GitHub as the sender of webhooks: recorded ones, signed, to an installation's address."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import requests

from celery_uncovered.advex.reminders.github import recorded, sign

PATH = "/webhooks/github/"


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """``site`` is where the webhook is, ``secret`` what both know."""

    site: str
    secret: str
    seconds: float = 20.0

    def tell(
        self, webhook: str, number: int, *, at: datetime | None = None, guid: str = ""
    ) -> requests.Response:
        """Send the recorded webhook of this name (of ``SENT``), of that pull request."""
        chosen = recorded.readdressed(recorded.SENT[webhook], number=number, at=at)
        return self.deliver(chosen.body, event=chosen.event, guid=guid)

    def deliver(
        self, body: bytes, *, event: str = "pull_request", guid: str = ""
    ) -> requests.Response:
        return self.send(body, event=event, guid=guid, signature=sign(body, self.secret))

    def send(
        self, body: bytes | Iterable[bytes], *, event: str, signature: str, guid: str = ""
    ) -> requests.Response:
        """A body given in parts is sent without a Content-Length, in chunks."""
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid or str(uuid.uuid4()),
            "X-Hub-Signature-256": signature,
        }
        address = self.site + PATH
        answer: requests.Response = requests.post(
            address, data=body, headers=headers, timeout=self.seconds
        )
        return answer
