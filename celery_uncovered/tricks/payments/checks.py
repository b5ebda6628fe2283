"""System checks of the gateway's settings."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from celery_uncovered.tricks.payments.charging import open_gateway


def register_checks() -> None:
    register(check_gateway)


def check_gateway(**_: Any) -> list[CheckMessage]:
    try:
        with open_gateway():
            return []
    except ValueError as error:
        return [Error(str(error), id="tricks.E001")]
