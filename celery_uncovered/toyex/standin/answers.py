"""An answer as a value: what to send, and how badly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from celery_uncovered.toyex.standin.records import DATA

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """``wait`` is in seconds before the first byte; ``is_cut`` sends half the body, then closes.

    ``is_silent`` closes the connection without an answer.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    is_cut: bool = False
    is_silent: bool = False


def of_json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status=status, body=body, headers=headers or {})


def recorded(name: str, *, status: int | None = None, **headers: str) -> Answer:
    """The error of this name in ``data/errors.json``; ``_`` in a header's name is ``-``."""
    error = _ERRORS[name]
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    if "body" in error:
        return of_json(error["body"], status=status or error["status"], headers=names)
    return Answer(
        status=status or error["status"],
        body=error["body_text"].encode(),
        content_type=HTML,
        headers=names,
    )


_ERRORS: dict[str, dict[str, Any]] = json.loads((DATA / "errors.json").read_bytes())
