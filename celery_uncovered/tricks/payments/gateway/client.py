"""The door to the gateway: charge an order, or ask what became of it."""

from collections.abc import Callable
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import requests

from celery_uncovered.tricks.payments.gateway.errors import Refused, Unavailable
from celery_uncovered.tricks.payments.gateway.transport import (
    Answer,
    Bounds,
    PlainSession,
    exchange,
)
from celery_uncovered.tricks.payments.gateway.values import Charge, Order, message_in

#: Of those below 500, what may pass: another request for the key is under way, or too many are.
_PASSING = {408, 409, 425, 429}
_NOT_FOUND = 404


class Gateway:
    """Asks at ``url``; the token, if any, goes there in the Authorization header and nowhere else.

    ``open_session`` is for tests. Use it as a context manager; one gateway belongs to one thread.
    Raises ValueError for an address that is not plain HTTP(S), or would expose the token.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        bounds: Bounds | None = None,
        open_session: Callable[[], requests.Session] = PlainSession,
    ) -> None:
        self.url = _checked(url, has_token=bool(token))
        self._headers = {"Accept": "application/json", "User-Agent": "celery-uncovered"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._bounds = bounds or Bounds()
        self._session = open_session()

    def charge(self, order: Order) -> Charge:
        """Charge ``order``, or learn how that ended when it was done before under its key.

        Raises the errors of ``gateway.errors``; after one, whether it was charged is not known.
        """
        answer = exchange(
            self._session,
            "POST",
            f"{self.url}/charges",
            headers={**self._headers, "Idempotency-Key": order.key},
            json=order.to_json(),
            bounds=self._bounds,
        )
        _refuse_faults(answer)
        return Charge.from_body(answer.body, order)

    def find(self, order: Order) -> Charge | None:
        """What became of ``order``; None where the gateway does not know its key. Raises as above."""
        answer = exchange(
            self._session,
            "GET",
            f"{self.url}/charges/{quote(order.key, safe='')}",
            headers=self._headers,
            bounds=self._bounds,
        )
        if answer.status == _NOT_FOUND:
            return None
        _refuse_faults(answer)
        return Charge.from_body(answer.body, order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()


def _refuse_faults(answer: Answer) -> None:
    if answer.status < 300:  # noqa: PLR2004  # the classes of HTTP statuses
        return
    if answer.status >= 500 or answer.status in _PASSING:  # noqa: PLR2004
        reason = f"it answered {answer.status}"
        raise Unavailable(reason)
    if answer.status < 400:  # noqa: PLR2004
        reason = "a redirect, which is not followed"
        raise Refused(reason, answer.status)
    raise Refused(message_in(answer.body), answer.status)


def _checked(url: str, *, has_token: bool) -> str:
    parts = urlsplit(url)
    is_plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not is_plain or parts.query or parts.fragment:
        message = (
            "PAYMENTS_GATEWAY_URL is not a plain http or https address without user, query or #."
        )
        raise ValueError(message)
    if has_token and parts.scheme != "https" and not _is_loopback(parts.hostname):
        message = (
            "PAYMENTS_GATEWAY_URL is plain http, which everybody on the way can read"
            " PAYMENTS_GATEWAY_TOKEN from; use https, or no token."
        )
        raise ValueError(message)
    return url.rstrip("/")


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
