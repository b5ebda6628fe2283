"""Who may ask and what they get; knows HTTP's words, not its sockets."""

import ipaddress
import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from celery_uncovered.advex.reminders.standin import TOKEN
from celery_uncovered.advex.reminders.standin.answers import Answer, error, of_json
from celery_uncovered.advex.reminders.standin.faults import (
    BEFORE,
    BadRuleError,
    FaultBook,
    parse_rules,
    spoil,
)
from celery_uncovered.advex.reminders.standin.methods import METHODS
from celery_uncovered.advex.reminders.standin.store import Store

API = "/api/"
#: The methods that take what they are asked in the address alone, as Slack's do that only read.
_READERS = {"conversations.list", "conversations.history"}
_EVERYTHING = 10**9


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request; ``target`` is the path with its query."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(kw_only=True)
class Service:
    store: Store
    token: str = TOKEN
    book: FaultBook = field(default_factory=FaultBook)

    def answer(self, call: Call) -> Answer:
        if not is_loopback(call.headers.get("Host", "")):
            return of_json({"message": "Only loopback hosts are served."}, status=403)
        if call.path.startswith(API):
            return self._answer_method(call, call.path.removeprefix(API))
        return self._control(call)

    # --- the web API -----------------------------------------------------------------------------
    def _answer_method(self, call: Call, name: str) -> Answer:
        rule = self.book.take(name)
        if rule is not None and rule.kind in BEFORE:
            return spoil(rule, error(rule.code))
        right = self._right_answer(call, name)
        return right if rule is None else spoil(rule, right)

    def _right_answer(self, call: Call, name: str) -> Answer:
        method = METHODS.get(name)
        if method is None:
            return error("unknown_method")
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return error("not_authed")
        if token != self.token:
            return error("invalid_auth")
        arguments = _arguments(call, name)
        return error("invalid_json") if arguments is None else method(self.store, arguments)

    # --- control ---------------------------------------------------------------------------------
    def _control(self, call: Call) -> Answer:
        match f"{call.method} {call.path}":
            case "GET /" | "GET /_channels":
                return of_json(self._channels())
            case "GET /_faults":
                return of_json(self.book.rules())
            case "POST /_faults":
                return self._add_faults(call)
            case "DELETE /_faults":
                self.book.clear()
                return of_json([])
        return of_json({"message": "There is nothing here."}, status=404)

    def _channels(self) -> list[dict[str, Any]]:
        """All there is, with the messages in their order."""
        channels = [channel for _, channel in self.store.channels(limit=_EVERYTHING)]
        for channel in channels:
            found = self.store.messages(channel["id"], limit=_EVERYTHING)
            channel["messages"] = [message for _, message in reversed(found)]
        return channels

    def _add_faults(self, call: Call) -> Answer:
        try:
            self.book.add(parse_rules(call.body))
        except BadRuleError as refusal:
            return of_json({"message": str(refusal)}, status=422)
        return of_json(self.book.rules())


def is_loopback(host: str) -> bool:
    """Whether ``host`` (with or without a port) is this machine's own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _arguments(call: Call, name: str) -> dict[str, Any] | None:
    """Those of the address, and of a JSON body where the method takes one; None for a bad one."""
    arguments: dict[str, Any] = dict(parse_qsl(urlsplit(call.target).query))
    if name in _READERS or not call.body:
        return arguments
    try:
        given = json.loads(call.body)
    except (ValueError, RecursionError):
        return None
    return arguments | given if isinstance(given, dict) else None
