"""System checks of the report's settings."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from celery_uncovered.toyex.github import OpenAddress
from celery_uncovered.toyex.sources import token_is_exposed


def register_checks() -> None:
    register(check_source)


def check_source(**_: Any) -> list[CheckMessage]:
    return [Error(str(OpenAddress()), id="toyex.E001")] if token_is_exposed() else []
