"""The installation that the browser visits, and a second web process that is closed to strangers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext

from tests.acceptance.installation import Installation, Options
from tests.browser import inside
from tests.stacks import EMBEDDED, Stack

#: A page that GitHub answers slowly: each a little later than the one before, in seconds.
SECONDS_OF_PAGES = {1: 1.5, 2: 2.1, 3: 2.7, 4: 3.3, 5: 3.9}


class Site:
    """``url`` is open to any browser on loopback, ``closed_url`` asks everybody to sign in."""

    def __init__(self, folder: Path) -> None:
        self.stack = Stack(EMBEDDED, folder, settings="config.settings.test")
        self.mails = folder / "mails"
        self.mails.mkdir()
        self.installation = Installation(
            self.stack,
            Options(
                has_web=True,
                env=lambda _: {
                    "EMAIL_URL": f"filemail:///{self.mails}",
                    "ADMINS": "admin@example.org",
                },
            ),
        )
        self.url = self.installation.web
        self.closed_url = self.start_closed()

    def start_closed(self) -> str:
        """With what production settings say about loopback."""
        env = dict(self.stack.env)
        self.stack.env["JOBS_OPEN_ON_LOOPBACK"] = "false"
        try:
            return self.installation.start_web()
        finally:
            self.stack.env = env

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return self.stack.call(function, *args, **kwargs)

    def sign_in(self, context: BrowserContext, name: str, *, is_operator: bool) -> None:
        key = self.call(inside.session_of, name, is_operator=is_operator)
        context.add_cookies([{"name": "sessionid", "value": key, "url": self.url}])

    def slow_down(self) -> None:
        """Have GitHub answer so slowly that a person can watch."""
        self.installation.spoil(
            *({"kind": "slow", "page": p, "seconds": s} for p, s in SECONDS_OF_PAGES.items())
        )
