"""Who may ask and what they get; knows HTTP's words, not its sockets."""

import dataclasses
import ipaddress
import json
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import unquote, urlsplit

from celery_uncovered.tricks.payments.standin.answers import Answer, of_json, refusal
from celery_uncovered.tricks.payments.standin.faults import (
    BEFORE,
    BadRuleError,
    FaultBook,
    Rule,
    parse_rules,
)
from celery_uncovered.tricks.payments.standin.store import Asked, Store

CHARGES = "/charges"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FIELDS = {"amount": int, "currency": str, "reference": str}
#: The amounts that are declined: those whose last two digits are these.
DECLINED = 13
REASON = "The stand-in declines amounts that end in 13"


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
    book: FaultBook = field(default_factory=FaultBook)

    def answer(self, call: Call) -> Answer:
        if not is_loopback(call.headers.get("Host", "")):
            return refusal(403, "Only loopback hosts are served.")
        if call.path == CHARGES and call.method == "POST":
            return self._charge(call)
        if call.path.startswith(f"{CHARGES}/") and call.method == "GET":
            return self._find(call)
        return self._control(call)

    # --- charges ---------------------------------------------------------------------------------
    def _charge(self, call: Call) -> Answer:
        key = call.headers.get("Idempotency-Key", "")
        asked = _asked(call.body)
        if not _KEY.fullmatch(key) or asked is None:
            return refusal(400, "A charge needs an Idempotency-Key, amount, currency and reference")
        self.store.note_request(key)
        rule = self.book.take("POST")
        if rule is not None and rule.kind in BEFORE:
            return _spoilt(rule, of_json({}))
        reason = REASON if asked.amount % 100 == DECLINED else None
        if rule is not None and rule.kind == "declined":
            reason = "The payer's bank declined"
        charge, is_new = self.store.charge(key, asked, reason=reason)
        if {name: charge[name] for name in _FIELDS} != dataclasses.asdict(asked):
            return refusal(422, "This key was used for another charge")
        right = of_json(charge, status=201 if is_new else 200)
        return right if rule is None else _spoilt(rule, right)

    def _find(self, call: Call) -> Answer:
        rule = self.book.take("GET")
        charge = self.store.find(unquote(call.path.removeprefix(f"{CHARGES}/")))
        right = of_json(charge) if charge else refusal(404, "No charge has this key")
        return right if rule is None else _spoilt(rule, right)

    # --- control ---------------------------------------------------------------------------------
    def _control(self, call: Call) -> Answer:
        match f"{call.method} {call.path}":
            case "GET /" | "GET /counts":
                return of_json(self.store.counts())
            case "GET /charges":
                return of_json(self.store.charges())
            case "GET /_faults":
                return of_json(self.book.rules())
            case "POST /_faults":
                return self._add_faults(call)
            case "DELETE /_faults":
                self.book.clear()
                return of_json([])
        return refusal(404, "There is nothing here")

    def _add_faults(self, call: Call) -> Answer:
        try:
            self.book.add(parse_rules(call.body))
        except BadRuleError as error:
            return refusal(422, str(error))
        return of_json(self.book.rules())


def is_loopback(host: str) -> bool:
    """Whether ``host`` (with or without a port) is this machine's own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _asked(body: bytes) -> Asked | None:
    try:
        given = json.loads(body)
        asked = Asked(**given)
    except (ValueError, TypeError, RecursionError):
        return None
    is_whole = all(type(getattr(asked, name)) is kind for name, kind in _FIELDS.items())
    return asked if is_whole and 0 < asked.amount < 2**53 else None  # what JSON numbers hold


def _spoilt(rule: Rule, right: Answer) -> Answer:
    """The answer to a request that ``rule`` spoils; ``right`` is what it would have been."""
    changes: dict[str, dict[str, Any]] = {
        "500": {"status": 500},
        "503": {"status": 503},
        "429": {"status": 429},
        "401": {"status": 401, "body": b'{"message": "Unknown API key"}'},
        "redirect": {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}},
        "not-json": {"status": 200, "body": b"<html>Bank holiday</html>"},
        "timeout": {"wait": rule.seconds, "is_silent": True},
        "killed": {"kills": True},
        "500-after-charging": {"status": 500},
        "timeout-after-charging": {"wait": rule.seconds, "is_silent": True},
        "cut-after-charging": {"is_cut": True},
        "killed-after-charging": {"kills": True},
        "other-amount": {"body": right.body.replace(b'"amount": ', b'"amount": 9')},
        "slow": {"wait": rule.seconds},
    }
    return dataclasses.replace(right, **changes.get(rule.kind, {}))
