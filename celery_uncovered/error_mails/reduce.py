"""A log record reduced to plain values, in the thread that logs: cheap for a kind that is known already.

Settings, cookies, form data and local variables are never looked at.
"""

import logging
import traceback
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.kinds import Place, kind_of, place_of
from celery_uncovered.error_mails.secrecy import MASK, is_secret_name, shown_value

#: The longest texts, in characters.
SENTENCE, TRACEBACK, CONTEXT = 500, 16_000, 4_000
#: How much of a header is shown, and how many of them.
HEADER, HEADERS = 200, 50
#: How many times longer than what is kept a text may be when it is masked.
MASKED = 10
#: A shorter part of a path is a number or a word that stands elsewhere too.
SHORTEST_SECRET = 8

Mask = Callable[[str], str]


def kind_of_record(record: logging.LogRecord) -> str:
    """By class and line of what was raised; without an exception by the line that logged, and the page."""
    error = exception_of(record)
    if error is not None:
        return kind_of(record.name, record.levelname, type(error), place_of(error.__traceback__))
    asked = (_route_of(record), getattr(record, "status_code", ""))
    return kind_of(record.name, record.levelname, record.pathname, record.lineno, *asked)


def event_of_record(record: logging.LogRecord, kind: str, mask: Mask = str) -> ErrorEvent:
    """``mask`` takes the secrets off a text; those of a running job are known in its thread alone."""
    error = exception_of(record)
    place = place_of(error.__traceback__) if error is not None else None
    secrets = _secrets_in_path(_request_of(record))
    return ErrorEvent(
        kind=kind,
        source=record.name,
        level=record.levelname,
        sentence=shown(without(secrets, _sentence_of(record, error)), SENTENCE, mask),
        place=str(place or Place(record.pathname, record.lineno, record.funcName or "")),
        traceback=shown(without(secrets, _traceback_of(record, error)), TRACEBACK, mask),
        context=shown(_context_of(_request_of(record), secrets), CONTEXT, mask),
    )


def exception_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


def shown(text: str, limit: int, mask: Mask) -> str:
    """``text`` masked, then cut: half a secret would not be known for one."""
    return cut(mask(cut(text, MASKED * limit)), limit)


def cut(text: str, limit: int) -> str:
    """``text`` with its middle left out: an error says the most at its begin and at its end."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return (
        f"{text[:head]}\n... {len(text) - limit:,} characters left out ...\n{text[head - limit :]}"
    )


def without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _sentence_of(record: logging.LogRecord, error: BaseException | None) -> str:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001  # arguments that do not fit, or that cannot be written
        message = str(record.msg)
    if error is None:
        return message
    [*_, last] = traceback.format_exception_only(error)
    words = last.strip().removeprefix(f"{type(error).__module__}.")
    return f"{words} ({message.strip()})"


def _traceback_of(record: logging.LogRecord, error: BaseException | None) -> str:
    if error is not None:
        return "".join(traceback.format_exception(error))
    return record.stack_info or ""


def _request_of(record: logging.LogRecord) -> HttpRequest | None:
    request = getattr(record, "request", None)
    return request if isinstance(request, HttpRequest) else None


def _route_of(record: logging.LogRecord) -> str:
    match = getattr(_request_of(record), "resolver_match", None)
    return str(match.route) if match else ""


def _context_of(request: HttpRequest | None, secrets: list[str]) -> str:
    if request is None:
        return ""
    headers = [
        f"{name}: {shown_value(name, value)[:HEADER]}"
        for name, value in list(request.headers.items())[:HEADERS]
    ]
    return without(secrets, "\n".join([f"{request.method} {request.path}", *headers]))


def _secrets_in_path(request: HttpRequest | None) -> list[str]:
    """What the path holds under a name that tells of a secret, such as ``<str:token>``."""
    match: Any = getattr(request, "resolver_match", None)
    kwargs = match.kwargs if match else {}
    secrets = [str(value) for name, value in kwargs.items() if is_secret_name(name)]
    return [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
