"""A storm of errors, shorter than that of ``python -m tests.load.errors``."""

from collections.abc import Callable

from tests.load.storm import SETTINGS, Storm
from tests.servers.relay import Relay
from tests.servers.smtp import MailServer
from tests.stacks import SERVERS, Stack

ERRORS, KINDS, SECONDS = 600, 20, 8


def test_every_request_is_answered_and_the_mails_add_up_while_servers_come_and_go(
    new_stack: Callable[..., Stack],
) -> None:
    stack = new_stack(SERVERS, settings=SETTINGS)
    assert stack.rabbitmq
    with (
        MailServer() as mails,
        Relay(mails.port) as to_mails,
        Relay(stack.rabbitmq.port) as to_broker,
    ):
        storm = Storm(stack, mails, to_mails, to_broker)
        answers = storm.strike(storm.web, ERRORS, KINDS, SECONDS)
        assert len(answers.times) == ERRORS
        storm.await_mails(ERRORS)
        assert storm.problems(answers, ERRORS, KINDS) == []
