"""Acts on the chat that may be done again: each finds out first whether it was done before.

A process may die between what it did and the record of it. Its step is done again then, under the
same id, and looks for what the first time left behind.
"""

from hashlib import blake2b
from itertools import islice

from django.conf import settings

from celery_uncovered.advex.reminders.chat import Chat, Message, NameTaken, Refused, Unavailable
from celery_uncovered.advex.reminders.chat.transport import Bounds

#: The newest messages of a channel among which a post is looked for.
LOOKED_AT = 1000
_SUFFIX_BYTES = 6


def open_chat() -> Chat:
    """The workspace that the settings name. Raises ValueError."""
    bounds = Bounds(read=settings.SLACK_READ_TIMEOUT, deadline=2 * settings.SLACK_READ_TIMEOUT)
    return Chat(settings.SLACK_API_URL, settings.SLACK_TOKEN, bounds=bounds)


def create_once(name: str, *, step_id: str | None) -> str:
    """The id of the channel that this step creates; its name ends with a hash of the step's id.

    So a name that is taken is this step's own, and another run for the same pull request has another.
    """
    unique = name if step_id is None else f"{name}-{suffix_of(step_id)}"
    with open_chat() as chat:
        try:
            return chat.create_channel(unique).id
        except NameTaken:
            if step_id is None:
                raise
            return _own_channel(chat, unique)


def post_once(channel: str, text: str, *, step_id: str | None) -> str:
    """The ``ts`` of this step's post in the channel, which carries the step's id."""
    with open_chat() as chat:
        found = None if step_id is None else _find_post(chat, channel, step_id)
        return found.ts if found else chat.post(channel, text, mark=step_id)


def archive(channel: str) -> None:
    with open_chat() as chat:
        chat.archive(channel)


def latest(channel: str, count: int) -> list[Message]:
    """The newest messages of the channel, in the order they were posted."""
    with open_chat() as chat:
        return list(islice(chat.messages(channel), count))[::-1]


def suffix_of(step_id: str) -> str:
    return blake2b(step_id.encode(), digest_size=_SUFFIX_BYTES).hexdigest()


def _own_channel(chat: Chat, name: str) -> str:
    """The id of the channel that this step made before. Raises Unavailable, or Refused for an archived one."""
    own = chat.find_channel(name)
    if own is None:
        # It was made a moment ago, and need not be in the list yet.
        reason = f"channel {name} is there, but not in its list"
        raise Unavailable(reason)
    if own.is_archived:
        method, code = "conversations.create", "is_archived"
        raise Refused(method, code)
    return own.id


def _find_post(chat: Chat, channel: str, step_id: str) -> Message | None:
    newest = islice(chat.messages(channel), LOOKED_AT)
    return next((message for message in newest if message.mark == step_id), None)
