"""System checks of the chat's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from celery_uncovered.advex.reminders.channels import open_chat


def register_checks() -> None:
    register(check_chat)
    register(check_interval)


def check_chat(**_: Any) -> list[CheckMessage]:
    try:
        with open_chat():
            return []
    except ValueError as error:
        return [Error(str(error), id="advex.E001")]


def check_interval(**_: Any) -> list[CheckMessage]:
    if settings.REMINDERS_EVERY_SECONDS >= 1:
        return []
    return [Error("REMINDERS_EVERY_SECONDS is less than a second.", id="advex.E002")]
