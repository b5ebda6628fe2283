"""One bounded GET: no redirect, no proxy or netrc of the environment, a size and a deadline.

What requests and urllib3 raise never leaves this module: their errors hold the request, and with
it the Authorization header.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from celery_uncovered.toyex.github.errors import BrokenAnswer, Temporary

_CHUNK = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Seconds and bytes that one request may take.

    ``deadline`` is looked at between reads of the body, so a request ends at most ``read``
    seconds after it.
    """

    connect: float = 5.0
    read: float = 15.0
    deadline: float = 30.0
    size: int = 20 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """``headers`` is case-insensitive; ``body`` is decompressed and complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class PlainSession(requests.Session):
    """A session that sends what it is given, to the host it is given, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # neither a proxy nor a netrc sees or replaces the token

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect has a target: otherwise requests reads its body whole, of any size."""


def fetch(
    session: requests.Session, url: str, *, params: Any, headers: Mapping[str, str], bounds: Bounds
) -> Answer:
    """The answer of any status; raises Temporary, or BrokenAnswer for half a body."""
    started = time.monotonic()
    response = _open(session, url, params=params, headers=headers, bounds=bounds)
    try:
        body = _read(response, started + bounds.deadline, bounds)
    finally:
        response.close()
    return Answer(status=response.status_code, headers=response.headers, body=body)


def _open(
    session: requests.Session, url: str, *, params: Any, headers: Mapping[str, str], bounds: Bounds
) -> requests.Response:
    try:
        return session.get(
            url,
            params=params,
            headers=dict(headers),
            timeout=(bounds.connect, bounds.read),
            allow_redirects=False,
            stream=True,
        )
    except requests.Timeout:
        reason = f"no answer within {bounds.read:g} s"
    except (requests.RequestException, HTTPError, OSError):
        reason = "the connection failed"
    raise Temporary(reason)


def _read(response: requests.Response, deadline: float, bounds: Bounds) -> bytes:
    """The whole body; ``read1`` returns what has come, so that a trickle meets the deadline."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            _check(len(body), deadline, bounds)
    except (HTTPError, OSError):
        reason = "it was cut off"
    else:
        return bytes(body)
    raise BrokenAnswer(reason)


def _check(size: int, deadline: float, bounds: Bounds) -> None:
    if size > bounds.size:
        reason = f"it is larger than {bounds.size} bytes"
        raise BrokenAnswer(reason)
    if time.monotonic() > deadline:
        reason = f"no whole answer within {bounds.deadline:g} s"
        raise Temporary(reason)
