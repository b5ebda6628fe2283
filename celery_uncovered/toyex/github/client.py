"""The door to GitHub's search."""

import json
import time
from collections.abc import Callable
from datetime import date
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from celery_uncovered.toyex.github import errors, limits
from celery_uncovered.toyex.github.page import SearchPage
from celery_uncovered.toyex.github.text import storable
from celery_uncovered.toyex.github.transport import Answer, Bounds, PlainSession, fetch

_HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "celery-uncovered",
    "X-GitHub-Api-Version": "2022-11-28",
}
_LONGEST_MESSAGE = 200


class SearchClient:
    """Searches at ``api_url``; the token goes there in the Authorization header and nowhere else.

    ``minimum_wait`` is the shortest wait in seconds where a limit names none. ``open_session`` and
    ``now`` (seconds since 1970) are for tests. Use it as a context manager, or ``close()`` it; one
    client belongs to one thread. Raises ValueError for an address that is not plain HTTP(S), and
    BadCredentials for a token that no header can carry.
    """

    def __init__(
        self,
        api_url: str,
        token: str = "",
        *,
        bounds: Bounds | None = None,
        minimum_wait: float = limits.MINIMUM_WAIT,
        open_session: Callable[[], requests.Session] = PlainSession,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.api_url = _checked_address(api_url)
        self._token = _checked_token(token)
        self._bounds = bounds or Bounds()
        self._minimum_wait = minimum_wait
        self._session = open_session()
        self._now = now

    def search_page(
        self, since: date, page: int, per_page: int = 100, *, attempt: int = 0
    ) -> SearchPage:
        """The repositories created on or after ``since``, most stars first; pages count from 1.

        ``attempt`` says how often this page was asked for before (0 at first); it lengthens the
        wait of a limit that names none. Raises the errors of ``github.errors``, nothing else.
        """
        answer = fetch(
            self._session,
            f"{self.api_url}/search/repositories",
            params={
                "q": f"created:>={since.isoformat()}",
                "sort": "stars",
                "order": "desc",
                "per_page": per_page,
                "page": page,
            },
            headers=self._headers(),
            bounds=self._bounds,
        )
        self._refuse_faults(answer, attempt)
        return SearchPage.from_body(answer.body)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _headers(self) -> dict[str, str]:
        if not self._token:
            return _HEADERS
        return {**_HEADERS, "Authorization": f"Bearer {self._token}"}

    def _refuse_faults(self, answer: Answer, attempt: int) -> None:
        status = answer.status
        if status < 300:  # noqa: PLR2004  # the classes of HTTP statuses
            return
        message = _message_of(answer.body, secret=self._token)
        wait = limits.wait_of(
            status=status,
            headers=answer.headers,
            message=message,
            now=self._now(),
            attempt=attempt,
            minimum_wait=self._minimum_wait,
        )
        if wait is not None:
            raise errors.RateLimited(wait, status)
        raise _fault(status, message)


def _fault(status: int, message: str) -> errors.GitHubError:
    if status >= 500:  # noqa: PLR2004
        return errors.Temporary(f"it answered {status}", status)
    if status < 400:  # noqa: PLR2004
        return errors.Refused("a redirect, which is not followed", status)
    if status == 401:  # noqa: PLR2004
        return errors.BadCredentials(message)
    if status == 422:  # noqa: PLR2004
        return errors.QueryRefused(message)
    return errors.Refused(message, status)


def _message_of(body: bytes, *, secret: str) -> str:
    """GitHub's message in one line: of its JSON, or the text itself where it sends none."""
    text = body.decode("utf-8", "replace")
    try:
        said = _worded(json.loads(text))
    except (ValueError, RecursionError):
        said = text
    if secret:
        said = said.replace(secret, "[token]")
    line = " ".join(storable(said).split())
    return line[:_LONGEST_MESSAGE].strip(" .") or "no message"


def _worded(answer: Any) -> str:
    if not isinstance(answer, dict):
        return ""
    details = answer.get("errors")
    words = [answer.get("message")]
    if isinstance(details, list):
        words += [detail.get("message") for detail in details if isinstance(detail, dict)]
    return ": ".join(word for word in words if isinstance(word, str))


def _checked_address(api_url: str) -> str:
    parts = urlsplit(api_url)
    is_plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not is_plain or parts.query or parts.fragment:
        message = "GITHUB_API_URL is not a plain http or https address without user, query or #."
        raise ValueError(message)
    return api_url.rstrip("/")


def _checked_token(token: str) -> str:
    token = token.strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise errors.UnusableToken
    return token
