"""Every kind of fault, and how it spoils the answer that would be right."""

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

from celery_uncovered.toyex.standin import answers
from celery_uncovered.toyex.standin.answers import HTML, Answer


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """``page`` None means every page, ``times`` None for ever.

    ``seconds`` is how long "timeout" and "slow" wait, and what the limits name as the wait;
    ``location`` is the base address ("http://host:port") of "redirect" and "foreign-link".
    """

    kind: str
    page: int | None = None
    times: int | None = None
    seconds: float = 30.0
    location: str = "http://127.0.0.1:9"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a fault may work with; both functions make the answer that would be right."""

    target: str
    right: Callable[[], Answer]
    first_page: Callable[[], Answer]


def spoil(rule: Rule, request: Request) -> Answer:
    """The answer to ``request`` under ``rule``."""
    return KINDS[rule.kind](rule, request)


def _primary(status: int) -> Callable[[Rule, Request], Answer]:
    return lambda rule, _: answers.recorded(
        "primary-limit",
        status=status,
        X_RateLimit_Limit="10",
        X_RateLimit_Remaining="0",
        X_RateLimit_Used="10",
        X_RateLimit_Reset=str(int(time.time() + rule.seconds)),
        X_RateLimit_Resource="search",
    )


def _secondary(status: int) -> Callable[[Rule, Request], Answer]:
    return lambda *_: answers.recorded("secondary-limit", status=status)


def _retry_after(status: int) -> Callable[[Rule, Request], Answer]:
    return lambda rule, _: answers.recorded(
        "secondary-limit", status=status, Retry_After=str(int(rule.seconds))
    )


def _error(name: str) -> Callable[[Rule, Request], Answer]:
    return lambda *_: answers.recorded(name)


def _timeout(rule: Rule, _: Request) -> Answer:
    return Answer(status=200, body=b"", wait=rule.seconds, is_silent=True)


def _slow(rule: Rule, request: Request) -> Answer:
    return dataclasses.replace(request.right(), wait=rule.seconds)


def _truncated(_: Rule, request: Request) -> Answer:
    return dataclasses.replace(request.right(), is_cut=True)


def _not_json(*_: object) -> Answer:
    return Answer(status=200, body=b"<html><body>Unicorn!</body></html>\n", content_type=HTML)


def _missing_items(_: Rule, request: Request) -> Answer:
    return _changed(request, lambda body: body.pop("items"))


def _incomplete(_: Rule, request: Request) -> Answer:
    return _changed(request, lambda body: body.update(incomplete_results=True))


def _empty(_: Rule, request: Request) -> Answer:
    return _changed(request, lambda body: body.update(items=[]))


def _repeat(_: Rule, request: Request) -> Answer:
    """A repository rose meanwhile: the last of page 1 is here again, and this page's last is not."""
    repeated = json.loads(request.first_page().body).get("items", [])[-1:]
    return _changed(request, lambda body: body.update(items=repeated + body["items"][:-1]))


def _changed(request: Request, change: Callable[[dict[str, Any]], object]) -> Answer:
    answer = request.right()
    body = json.loads(answer.body)
    if "items" in body:
        change(body)
    changed = answers.of_json(body, status=answer.status, headers=answer.headers)
    return dataclasses.replace(changed, wait=answer.wait)


def _redirect(rule: Rule, request: Request) -> Answer:
    return Answer(status=302, body=b"", headers={"Location": rule.location + request.target})


def _foreign_link(rule: Rule, request: Request) -> Answer:
    answer = request.right()
    link = f'<{rule.location}{request.target}>; rel="next"'
    return dataclasses.replace(answer, headers={**answer.headers, "Link": link})


KINDS: dict[str, Callable[[Rule, Request], Answer]] = {
    "401": _error("bad-credentials"),
    "403-primary": _primary(403),
    "403-secondary": _secondary(403),
    "403-retry-after": _retry_after(403),
    "403-bad-logins": _error("bad-logins"),
    "429-primary": _primary(429),
    "429-secondary": _secondary(429),
    "429-retry-after": _retry_after(429),
    "422": _error("query-refused"),
    "500": _error("server-error"),
    "502": _error("bad-gateway"),
    "503": _error("unavailable"),
    "timeout": _timeout,
    "slow": _slow,
    "truncated": _truncated,
    "not-json": _not_json,
    "missing-items": _missing_items,
    "incomplete_results": _incomplete,
    "redirect": _redirect,
    "foreign-link": _foreign_link,
    "repeat": _repeat,
    "empty": _empty,
}
