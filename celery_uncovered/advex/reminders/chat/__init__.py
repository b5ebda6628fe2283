"""The chat: a workspace with Slack's web API, or the stand-in for one."""

from celery_uncovered.advex.reminders.chat.client import Chat
from celery_uncovered.advex.reminders.chat.errors import (
    BrokenAnswer,
    ChatError,
    NameTaken,
    Refused,
    Unavailable,
)
from celery_uncovered.advex.reminders.chat.values import Channel, Message

__all__ = [
    "BrokenAnswer",
    "Channel",
    "Chat",
    "ChatError",
    "Message",
    "NameTaken",
    "Refused",
    "Unavailable",
]
