"""What comes from the chat."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery_uncovered.advex.reminders.chat.errors import BrokenAnswer

#: The kind of metadata that posts carry, and the name of the mark in it.
EVENT_TYPE, MARK = "workflow_step", "step"
#: ``<address|words>``
_LINK = re.compile(r"<[^<>|]+\|([^<>|]+)>")


@dataclass(frozen=True, kw_only=True)
class Channel:
    id: str
    name: str
    is_archived: bool

    @classmethod
    def of(cls, found: Any) -> "Channel":
        """Raises BrokenAnswer."""
        if not isinstance(found, Mapping) or not _texts(found, "id", "name"):
            reason = "a channel has no id or no name"
            raise BrokenAnswer(reason)
        return cls(id=found["id"], name=found["name"], is_archived=bool(found.get("is_archived")))


@dataclass(frozen=True, kw_only=True)
class Message:
    """``ts`` is its id within its channel, ``mark`` what its metadata tells it by, if anything."""

    ts: str
    text: str
    mark: str | None

    @classmethod
    def of(cls, found: Any) -> "Message":
        """Raises BrokenAnswer."""
        if not isinstance(found, Mapping) or not _texts(found, "ts"):
            reason = "a message has no ts"
            raise BrokenAnswer(reason)
        return cls(ts=found["ts"], text=str(found.get("text", "")), mark=_mark_in(found))

    @property
    def plain(self) -> str:
        """Its text without markup, for a page that escapes what it shows."""
        text = _LINK.sub(r"\1", self.text)
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def metadata_of(mark: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {MARK: mark}}


def _mark_in(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata")
    if not isinstance(metadata, Mapping) or metadata.get("event_type") != EVENT_TYPE:
        return None
    payload = metadata.get("event_payload")
    mark = payload.get(MARK) if isinstance(payload, Mapping) else None
    return mark if isinstance(mark, str) else None


def _texts(found: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(found.get(name), str) and found[name] for name in names)
