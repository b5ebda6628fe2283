"""Who may ask and what they get; knows HTTP's words, not its sockets."""

import dataclasses
import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import parse_qsl, urlsplit

from celery_uncovered.toyex.standin import RECORDED_TODAY, answers
from celery_uncovered.toyex.standin.answers import Answer
from celery_uncovered.toyex.standin.fault_kinds import Request, spoil
from celery_uncovered.toyex.standin.faults import BadRuleError, FaultBook, parse_rules
from celery_uncovered.toyex.standin.journal import Journal
from celery_uncovered.toyex.standin.rate_limits import GENEROUS, Meter
from celery_uncovered.toyex.standin.records import Item, load_repositories
from celery_uncovered.toyex.standin.search import PATH, Paging, search

_REFUSED_TOKEN = "bad"  # noqa: S105  # the one that a demonstration of 401 uses


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request; ``target`` is the path with its query."""

    method: str
    target: str
    headers: Message
    body: bytes
    client: str

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def token(self) -> str:
        """The credential without its scheme, "" without any."""
        return self.headers.get("Authorization", "").partition(" ")[2].strip()


@dataclass(kw_only=True)
class Service:
    """``delay`` is in seconds for every search."""

    delay: float = 0.0
    book: FaultBook = field(default_factory=lambda: FaultBook([]))
    meter: Meter = field(default_factory=lambda: Meter(GENEROUS))
    journal: Journal = field(default_factory=Journal)
    items: Sequence[Item] = field(default_factory=load_repositories)

    def answer(self, call: Call) -> Answer:
        if not is_loopback(call.headers.get("Host", "")):
            return answers.of_json({"message": "Only loopback hosts are served."}, status=403)
        if call.method == "GET" and call.path == PATH:
            return self._search(call)
        return self._control(call)

    def _search(self, call: Call) -> Answer:
        refusal = _refusal(call)
        if refusal is not None:
            return refusal
        rule = self.book.take(Paging.of(call.params).page)
        answer = self._metered(call) if rule is None else spoil(rule, self._spoilable(call))
        return dataclasses.replace(answer, wait=answer.wait + self.delay)

    def _spoilable(self, call: Call) -> Request:
        return Request(
            target=call.target,
            right=lambda: self._metered(call),
            first_page=lambda: self._found(call, {**call.params, "page": "1"}),
        )

    def _metered(self, call: Call) -> Answer:
        spent = self.meter.spend(_identity(call), has_token=bool(call.token))
        answer = (
            answers.recorded("primary-limit") if spent.is_over else self._found(call, call.params)
        )
        return dataclasses.replace(answer, headers={**answer.headers, **spent.headers()})

    def _found(self, call: Call, params: Mapping[str, str]) -> Answer:
        return search(self.items, params, f"http://{call.headers.get('Host', '')}")

    def _control(self, call: Call) -> Answer:
        control = {
            "GET /": _today,
            "GET /_today": _today,
            "GET /_requests": self._requests,
            "DELETE /_requests": self._forget_requests,
            "GET /_faults": self._faults,
            "POST /_faults": self._add_faults,
            "DELETE /_faults": self._clear_faults,
        }.get(f"{call.method} {call.path}", _not_found)
        return control(call)

    def _requests(self, _: Call) -> Answer:
        return answers.of_json(self.journal.as_json())

    def _forget_requests(self, call: Call) -> Answer:
        self.journal.clear()
        return self._requests(call)

    def _faults(self, _: Call) -> Answer:
        return answers.of_json(self.book.rules())

    def _add_faults(self, call: Call) -> Answer:
        try:
            self.book.add(parse_rules(call.body))
        except BadRuleError as error:
            return answers.of_json({"message": str(error)}, status=422)
        return self._faults(call)

    def _clear_faults(self, call: Call) -> Answer:
        self.book.clear()
        return self._faults(call)


def is_loopback(host: str) -> bool:
    """Whether ``host`` (with or without a port) is this machine's own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _today(_: Call) -> Answer:
    return answers.of_json({"today": RECORDED_TODAY.isoformat(), "source": "recorded"})


def _not_found(_: Call) -> Answer:
    return answers.recorded("not-found")


def _refusal(call: Call) -> Answer | None:
    if not call.headers.get("User-Agent"):
        return answers.recorded("no-user-agent")
    if "access_token" in call.params:
        return answers.recorded("token-in-query")
    has_credentials = "Authorization" in call.headers
    if has_credentials and call.token in {"", _REFUSED_TOKEN}:
        return answers.recorded("bad-credentials")
    return None


def _identity(call: Call) -> str:
    if not call.token:
        return f"address {call.client}"
    return f"token {hashlib.sha256(call.token.encode()).hexdigest()}"
