"""A sealed secret, how it is made, and how it is opened."""

import json
from dataclasses import dataclass
from typing import Any

from kombu.utils.json import loads, register_type

from celery_uncovered.jobs.errors import SealBrokenError
from celery_uncovered.jobs.literals import Literal
from celery_uncovered.jobs.masking import MASK
from celery_uncovered.jobs.sealing.keys import decrypted, encrypted

TYPE = "sealed"
MARK = f'"__type__": "{TYPE}"'
_MARK_AS_BYTES = MARK.encode()


@dataclass(frozen=True)
class Sealed:
    """A secret that is not open; people see MASK."""

    token: str

    def __repr__(self) -> str:
        return repr(MASK)

    def __str__(self) -> str:
        return MASK


register_type(Sealed, TYPE, lambda sealed: sealed.token, Sealed)


def holds_sealed(text: str | bytes | memoryview) -> bool:
    """Whether a JSON text holds a sealed secret."""
    return MARK in text if isinstance(text, str) else _MARK_AS_BYTES in bytes(text)


def is_sealed(value: Any) -> bool:
    """Whether ``value`` is a sealed secret: a ``Sealed``, or what plain JSON makes of one."""
    if isinstance(value, dict):
        is_tag = value.keys() == {"__type__", "__value__"} and value["__type__"] == TYPE
        return is_tag and not isinstance(value, Literal)
    return isinstance(value, Sealed)


def is_genuine(value: Any) -> bool:
    """Whether ``value`` is a sealed secret that was sealed here, and not what somebody made up."""
    if not is_sealed(value):
        return False
    try:
        _opened(value.token if isinstance(value, Sealed) else value["__value__"])
    except SealBrokenError:
        return False
    return True


def closed(value: Any) -> dict[str, str]:
    """A value of plain JSON, sealed; as plain JSON."""
    token = encrypted(json.dumps(value, ensure_ascii=False).encode())
    return {"__type__": TYPE, "__value__": token}


def opened(value: Any, found: list[Any] | None = None) -> Any:
    """A copy of ``value`` with the sealed secrets in it open; ``found`` collects them.

    Raises SealBrokenError where one was sealed with a key that is not known here.
    """
    if is_sealed(value):
        secret = _opened(value.token if isinstance(value, Sealed) else value["__value__"])
        if found is not None:
            found.append(secret)
        return secret
    if isinstance(value, dict):
        inside = {key: opened(inner, found) for key, inner in value.items()}
        return Literal(inside) if isinstance(value, Literal) else inside
    if isinstance(value, (list, tuple)):
        return type(value)([opened(inner, found) for inner in value])
    return value


def _opened(token: Any) -> Any:
    text = decrypted(token).decode()
    secret = loads(text)
    # A part of it may have been sealed before the whole.
    return opened(secret) if holds_sealed(text) else secret
