"""What RabbitMQ itself says of messages that go out together."""

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack


def test_what_has_no_place_to_go_holds_up_nothing_and_stays_unpublished(
    servers_stack: Stack,
) -> None:
    """An unknown exchange ends the channel; an unroutable message comes back."""
    ledger = Ledger(servers_stack)
    said = servers_stack.call(helpers.publish_odd_messages)
    assert sorted(said["taken"]) == sorted(said["noted"]) == sorted(said["good"])
    # Those before the channel's end may have been sent twice.
    assert ledger.messages() >= len(said["good"])
