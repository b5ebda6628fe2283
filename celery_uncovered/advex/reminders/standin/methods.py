"""The methods of the web API that the stand-in knows, with Slack's rules and its words for errors."""

import re
from collections.abc import Callable
from typing import Any

from celery_uncovered.advex.reminders.standin.answers import Answer, error, ok
from celery_uncovered.advex.reminders.standin.store import Store

Arguments = dict[str, Any]
_NAME = re.compile(r"[a-z0-9_-]+")
_EVENT_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LONGEST_NAME, _LONGEST_TEXT = 80, 40_000
_DEFAULT_LIMIT, _LARGEST_LIMIT = 100, 999


def create(store: Store, arguments: Arguments) -> Answer:
    name = arguments.get("name")
    if not isinstance(name, str) or not name:
        return error("invalid_name_required")
    if len(name) > _LONGEST_NAME:
        return error("invalid_name_maxlength")
    if not _NAME.fullmatch(name):
        return error("invalid_name_specials")
    if not name.strip("-_"):
        return error("invalid_name_punctuation")
    channel = store.create(name)
    return error("name_taken") if channel is None else ok(channel=channel)


def list_channels(store: Store, arguments: Arguments) -> Answer:
    limit, cursor = _limit(arguments), str(arguments.get("cursor", ""))
    if cursor and not cursor.isdecimal():
        return error("invalid_cursor")
    found = store.channels(after=int(cursor or 0), limit=limit)
    last = str(found[-1][0]) if len(found) == limit else ""
    channels = [channel for _, channel in found]
    # Slack leaves them out of a page, which may be shorter then.
    if str(arguments.get("exclude_archived", "false")).lower() in {"true", "1"}:
        channels = [channel for channel in channels if not channel["is_archived"]]
    return ok(channels=channels, response_metadata={"next_cursor": last})


def archive(store: Store, arguments: Arguments) -> Answer:
    channel = store.channel(str(arguments.get("channel", "")))
    if channel is None:
        return error("channel_not_found")
    return ok() if store.archive(channel["id"]) else error("already_archived")


def post(store: Store, arguments: Arguments) -> Answer:
    channel = store.channel(str(arguments.get("channel", "")))
    if channel is None:
        return error("channel_not_found")
    text, metadata = arguments.get("text"), arguments.get("metadata")
    if not isinstance(text, str) or not text:
        return error("no_text")
    if len(text) > _LONGEST_TEXT:
        return error("msg_too_long")
    if metadata is not None and not _is_metadata(metadata):
        return error("invalid_metadata_format")
    message = store.post(channel["id"], text, metadata)
    if message is None:
        return error("is_archived")
    return ok(channel=channel["id"], ts=message["ts"], message=message)


def history(store: Store, arguments: Arguments) -> Answer:
    channel = store.channel(str(arguments.get("channel", "")))
    if channel is None:
        return error("channel_not_found")
    limit, cursor = _limit(arguments), str(arguments.get("cursor", ""))
    if cursor and not cursor.isdecimal():
        return error("invalid_cursor")
    # One more, to know whether there are more.
    found = store.messages(channel["id"], before=int(cursor or 0) or None, limit=limit + 1)
    page = found[:limit]
    messages = [message for _, message in page]
    if str(arguments.get("include_all_metadata", "false")).lower() not in {"true", "1"}:
        messages = [
            {name: value for name, value in message.items() if name != "metadata"}
            for message in messages
        ]
    has_more = len(found) > limit
    return ok(
        messages=messages,
        has_more=has_more,
        response_metadata={"next_cursor": str(page[-1][0]) if has_more else ""},
    )


METHODS: dict[str, Callable[[Store, Arguments], Answer]] = {
    "conversations.create": create,
    "conversations.list": list_channels,
    "conversations.archive": archive,
    "conversations.history": history,
    "chat.postMessage": post,
}


def _limit(arguments: Arguments) -> int:
    limit = str(arguments.get("limit", ""))
    return max(1, min(int(limit), _LARGEST_LIMIT)) if limit.isdecimal() else _DEFAULT_LIMIT


def _is_metadata(metadata: Any) -> bool:
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and bool(_EVENT_TYPE.fullmatch(metadata["event_type"]))
        and isinstance(metadata.get("event_payload"), dict)
    )
