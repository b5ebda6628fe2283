"""Prints a link that signs the operator in, once, within ten minutes."""

from typing import Any

import sesame.utils  # type: ignore[import-untyped]  # the package ships no types
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse
from django.utils.http import urlencode

OPERATOR = "operator"


class Command(BaseCommand):
    help = "Print a link that signs the operator in, once, within ten minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the site's port on loopback")
        parser.add_argument("--base-url", default="", help="the site's address, if it is another")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  # Django's signature
        base = options["base_url"].rstrip("/") or f"http://127.0.0.1:{options['port']}"
        query = urlencode({"token": sesame.utils.get_token(_operator())})
        self.stdout.write(f"{base}{reverse('dashboard:sign-in')}?{query}")


def _operator() -> Any:
    """The operator's account: may do everything, and has no password to guess."""
    user, is_new = get_user_model().objects.get_or_create(
        username=OPERATOR, defaults={"is_staff": True, "is_superuser": True}
    )
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user
