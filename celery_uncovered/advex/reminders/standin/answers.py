"""An answer as a value: what to send, and how badly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``wait`` is in seconds before the first byte; ``is_cut`` sends half the body, then closes.

    ``is_silent`` closes the connection without an answer, and ``kills`` ends the process first.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    is_cut: bool = False
    is_silent: bool = False
    kills: bool = False


def of_json(value: Any, *, status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(value, ensure_ascii=False).encode())


def ok(**fields: Any) -> Answer:
    return of_json({"ok": True, **fields})


def error(code: str) -> Answer:
    """Slack says no with status 200."""
    return of_json({"ok": False, "error": code})
