"""One bounded request: no redirect, no proxy or netrc of the environment, a size and a deadline.

What requests and urllib3 raise never leaves this module: their errors hold the request, and with it
the Authorization header.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from celery_uncovered.tricks.payments.gateway.errors import BrokenAnswer, Unavailable

_CHUNK = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Seconds and bytes that one request may take.

    ``deadline`` is looked at between reads of the body, so a request ends at most ``read`` seconds
    after it.
    """

    connect: float = 3.0
    read: float = 10.0
    deadline: float = 20.0
    size: int = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``body`` is decompressed and complete."""

    status: int
    body: bytes


class PlainSession(requests.Session):
    """A session that sends what it is given, to the host it is given, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect has a target: otherwise requests reads its body whole, of any size."""


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    json: Any = None,
    bounds: Bounds,
) -> Answer:
    """The answer of any status; raises Unavailable, or BrokenAnswer for half a body."""
    started = time.monotonic()
    try:
        response = session.request(
            method,
            url,
            headers=dict(headers),
            json=json,
            timeout=(bounds.connect, bounds.read),
            allow_redirects=False,
            stream=True,
        )
    except requests.Timeout:
        reason = f"no answer within {bounds.read:g} s"
        raise Unavailable(reason) from None
    except (requests.RequestException, HTTPError, OSError):
        reason = "the connection failed"
        raise Unavailable(reason) from None
    with response:
        body = _read(response, started + bounds.deadline, bounds)
    return Answer(status=response.status_code, body=body)


def _read(response: requests.Response, deadline: float, bounds: Bounds) -> bytes:
    """The whole body; ``read1`` returns what has come, so that a trickle meets the deadline."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > bounds.size or time.monotonic() > deadline:
                break
        else:
            return bytes(body)
    except (HTTPError, OSError):
        reason = "it was cut off"
        raise BrokenAnswer(reason) from None
    reason = "it is too large, or takes too long"
    raise BrokenAnswer(reason)
