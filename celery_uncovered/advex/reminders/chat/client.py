"""The door to the chat: its channels and their messages, by Slack's web API."""

import json
import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from celery_uncovered.advex.reminders.chat.errors import (
    BrokenAnswer,
    NameTaken,
    Refused,
    Unavailable,
)
from celery_uncovered.advex.reminders.chat.transport import Answer, Bounds, PlainSession, ask
from celery_uncovered.advex.reminders.chat.values import Channel, Message, metadata_of

#: Answers of the chat's own that may be others later.
_PASSING = {
    "fatal_error",
    "internal_error",
    "ratelimited",
    "rate_limited",
    "request_timeout",
    "service_unavailable",
}
_CODE = re.compile(r"[a-z0-9_]{1,60}")
_TOO_MANY, _SERVERS_FAULT = 429, 500
#: How much one page of a list may hold, and the pages that are read at most.
_PAGE, _PAGES = 999, 100


class Chat:
    """Asks at ``url``; the token goes there in the Authorization header and nowhere else.

    ``open_session`` is for tests. Use it as a context manager; one chat belongs to one thread. Raises
    ValueError for an address that is not plain HTTP(S), or would expose the token.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        bounds: Bounds | None = None,
        open_session: Callable[[], requests.Session] = PlainSession,
    ) -> None:
        self.url = _checked(url)
        self._headers = {
            "Accept": "application/json",
            "User-Agent": "celery-uncovered",
            "Authorization": f"Bearer {token}",
        }
        self._bounds = bounds or Bounds()
        self._session = open_session()

    # --- channels -------------------------------------------------------------------------------------
    def create_channel(self, name: str) -> Channel:
        """Raises NameTaken, Refused or Unavailable, as everything here may the latter two."""
        return Channel.of(self._tell("conversations.create", name=name).get("channel"))

    def find_channel(self, name: str) -> Channel | None:
        """The channel of that name, an archived one too; None where it is not to be seen."""
        pages = self._pages("conversations.list", "channels", exclude_archived="false")
        channels = (Channel.of(found) for found in pages)
        return next((channel for channel in channels if channel.name == name), None)

    def archive(self, channel: str) -> None:
        """Archive it; one that is archived stays so."""
        try:
            self._tell("conversations.archive", channel=channel)
        except Refused as refused:
            if refused.code != "already_archived":
                raise

    # --- messages -------------------------------------------------------------------------------------
    def post(self, channel: str, text: str, *, mark: str | None = None) -> str:
        """The new message's ``ts``. It carries ``mark``, to be found by."""
        metadata = {} if mark is None else {"metadata": metadata_of(mark)}
        answer = self._tell("chat.postMessage", channel=channel, text=text, **metadata)
        return Message.of(answer).ts

    def messages(self, channel: str) -> Iterator[Message]:
        """Those of the channel, the newest first."""
        pages = self._pages(
            "conversations.history", "messages", channel=channel, include_all_metadata="true"
        )
        return (Message.of(found) for found in pages)

    # --- requests -------------------------------------------------------------------------------------
    def _tell(self, method: str, **arguments: Any) -> dict[str, Any]:
        return self._call(method, json=arguments)

    def _pages(self, method: str, name: str, **arguments: str) -> Iterator[Any]:
        cursor = ""
        for _ in range(_PAGES):
            params = {**arguments, "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            answer = self._call(method, params=params)
            found = answer.get(name)
            if not isinstance(found, list):
                reason = f"it has no {name}"
                raise BrokenAnswer(reason)
            yield from found
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    def _call(self, method: str, **sent: Any) -> dict[str, Any]:
        url = f"{self.url}/{method}"
        answer = ask(self._session, url, headers=self._headers, bounds=self._bounds, **sent)
        return _checked_answer(method, answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()


def _checked_answer(method: str, answer: Answer) -> dict[str, Any]:
    if answer.status == _TOO_MANY:
        reason = "it is asked too often"
        raise Unavailable(reason, _retry_after(answer))
    if answer.status >= _SERVERS_FAULT:
        reason = f"it answered {answer.status}"
        raise Unavailable(reason, _retry_after(answer))
    if 300 <= answer.status < 400:  # noqa: PLR2004  # the class of redirects
        raise Refused(method, "it redirects, which is not followed")
    found = _object(answer)
    if found.get("ok") is True:
        return found
    code = str(found.get("error"))
    if code in _PASSING:
        reason = f"it answered {code}"
        raise Unavailable(reason, _retry_after(answer))
    if code == "name_taken":
        raise NameTaken(method, code)
    raise Refused(method, code if _CODE.fullmatch(code) else f"status {answer.status}")


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        reason = "it is no JSON object"
        raise BrokenAnswer(reason)
    return found


def _retry_after(answer: Answer) -> float:
    """Seconds; 0 where none are named. A date would be another form, which the chat does not send."""
    named = answer.headers.get("Retry-After", "")
    return float(named) if named.isdecimal() and len(named) < 7 else 0.0  # noqa: PLR2004


def _checked(url: str) -> str:
    parts = urlsplit(url)
    is_plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not is_plain or parts.query or parts.fragment:
        message = "SLACK_API_URL is not a plain http or https address without user, query or #."
        raise ValueError(message)
    if parts.scheme != "https" and not _is_loopback(parts.hostname):
        message = (
            "SLACK_API_URL is plain http, which everybody on the way can read SLACK_TOKEN from;"
            " use https."
        )
        raise ValueError(message)
    return url.rstrip("/")


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
