"""What a webhook says of a pull request: a plain value, or one sentence on why it cannot be read."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

OPENED, REOPENED, CLOSED = "opened", "reopened", "closed"
CONCERNS_US = (OPENED, REOPENED, CLOSED)

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,60}(\[bot\])?", re.ASCII)
_LARGEST_NUMBER = 2**31 - 1
#: Who did it, where the payload does not say: an account that was deleted.
GHOST = "ghost"


class BadPayloadError(ValueError):
    """A body that is signed and still cannot be read."""


@dataclass(frozen=True, kw_only=True)
class PullRequestEvent:
    """``changed_at`` is when GitHub says it changed; ``by`` the login of who did."""

    action: str
    repo: str
    number: int
    changed_at: datetime
    is_merged: bool
    by: str

    @property
    def concerns_us(self) -> bool:
        return self.action in CONCERNS_US


def read_event(body: bytes) -> PullRequestEvent | str:
    """The event; or its action alone, for those that do not concern us. Raises BadPayloadError."""
    payload = _object(body)
    action = payload.get("action")
    if not isinstance(action, str):
        message = "The body has no action."
        raise BadPayloadError(message)
    if action not in CONCERNS_US:
        return action
    pull = _part(payload, "pull_request")
    is_merged = action == CLOSED and pull.get("merged") is True
    return PullRequestEvent(
        action=action,
        repo=_repo(_part(payload, "repository").get("full_name")),
        number=_number(payload.get("number")),
        changed_at=_moment(pull.get("updated_at")),
        is_merged=is_merged,
        by=_login(pull.get("merged_by") if is_merged else payload.get("sender")),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        message = "The body is not a JSON object."
        raise BadPayloadError(message)
    return found


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = payload.get(name)
    if not isinstance(part, dict):
        message = f"The body has no {name}."
        raise BadPayloadError(message)
    return part


def _repo(value: object) -> str:
    if isinstance(value, str) and _REPO.fullmatch(value):
        return value
    message = "The repository's full_name is not like owner/name."
    raise BadPayloadError(message)


def _number(value: object) -> int:
    if type(value) is int and 0 < value <= _LARGEST_NUMBER:
        return value
    message = "The pull request's number is not a number from 1 on."
    raise BadPayloadError(message)


def _moment(value: object) -> datetime:
    message = "The pull request's updated_at is not a time like 2019-05-15T15:20:33Z."
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise BadPayloadError(message) from None
    if moment.tzinfo is None:
        raise BadPayloadError(message)
    return moment


def _login(account: object) -> str:
    login = account.get("login") if isinstance(account, dict) else None
    return login if isinstance(login, str) and _LOGIN.fullmatch(login) else GHOST
