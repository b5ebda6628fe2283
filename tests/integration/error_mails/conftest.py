from collections.abc import Callable, Iterator

import pytest

from tests.servers.relay import Relay
from tests.servers.smtp import MailServer
from tests.stacks import Stack


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def way_to_mail_server(mail_server: MailServer) -> Iterator[Relay]:
    """What the stack sends its mails over."""
    with Relay(mail_server.port) as relay:
        yield relay


@pytest.fixture
def mailing(way_to_mail_server: Relay) -> Callable[[Stack], Stack]:
    """Has a stack mail its errors to the mail server."""

    def prepare(stack: Stack) -> Stack:
        stack.env |= {
            "ADMINS": "ann@example.org",
            "EMAIL_URL": f"smtp://127.0.0.1:{way_to_mail_server.port}",
            "JOBS_OPEN_ON_LOOPBACK": "true",
        }
        return stack

    return prepare
