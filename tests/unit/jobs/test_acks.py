"""Acknowledgements: one for many, and never for a message that is not done."""

from typing import Any

import pytest

from celery_uncovered.jobs.worker import acks as acks_module
from celery_uncovered.jobs.worker.acks import Acks, GroupedAcks

FIRST, SECOND = object(), object()


class Message:
    """A message of a channel that notes what the broker would be told."""

    def __init__(self, number: int, told: list[tuple[int, bool]], channel: object = FIRST) -> None:
        self.delivery_tag, self.channel, self._told = number, channel, told
        self.acknowledged = self.is_broken = False

    def ack_log_error(self, _: Any, __: Any, multiple: bool = False) -> None:  # noqa: FBT001, FBT002
        if self.is_broken:
            raise BrokenPipeError
        self._told.append((self.delivery_tag, multiple))


@pytest.fixture
def told() -> list[tuple[int, bool]]:
    return []


@pytest.fixture
def five(told: list[tuple[int, bool]]) -> tuple[GroupedAcks, list[Message]]:
    """Five messages that came in."""
    acks, messages = GroupedAcks((OSError,)), [Message(number, told) for number in range(1, 6)]
    for message in messages:
        acks.note(message)
    return acks, messages


def test_the_oldest_ones_are_settled_by_one_word(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    acks, messages = five
    acks.settle(messages[:3])
    assert told == [(3, True)]
    assert not acks.are_waiting


def test_what_an_older_message_holds_up_waits_for_it(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    acks, messages = five
    acks.settle(messages[2:4])
    assert told == []
    assert acks.are_waiting
    acks.settle(messages[:2])
    assert told == [(4, True)]


def test_what_waits_is_settled_one_by_one_when_the_older_one_takes_long(
    five: tuple[GroupedAcks, list[Message]],
    told: list[tuple[int, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acks, messages = five
    acks.settle(messages[2:4])
    are_due = [acks.is_due]
    monkeypatch.setattr(acks_module, "LINGER_SECONDS", -1.0)
    assert [*are_due, acks.is_due] == [False, True]
    acks.flush()
    assert told == [(3, False), (4, False)]
    acks.settle([messages[0], messages[1], messages[4]])
    assert told[2:] == [(5, True)]


def test_a_message_that_somebody_else_settled_holds_up_none(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    acks, messages = five
    messages[0].acknowledged = messages[2].acknowledged = True
    acks.settle([messages[1], messages[3]])
    assert told == [(4, True)]


def test_one_word_never_names_a_message_that_somebody_else_settled(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    """RabbitMQ closes the channel for a number that it does not know any more."""
    acks, messages = five
    messages[1].acknowledged = True
    acks.settle([messages[0]])
    assert told == [(1, True)]


def test_what_came_over_an_earlier_channel_is_not_acknowledged_on_the_next(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    """Its numbers mean other messages there, and the broker sends it again."""
    acks, messages = five
    acks.settle(messages[3:])
    again = Message(1, told, SECOND)
    acks.note(again)
    acks.settle(messages[:3])
    acks.flush()
    assert told == []
    acks.settle([again])
    assert told == [(1, True)]


def test_a_channel_that_was_opened_again_counts_anew(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    acks, messages = five
    acks.settle(messages[3:])
    again = [Message(number, told) for number in (1, 2)]
    for message in again:
        acks.note(message)
    acks.settle(again)
    assert told == [(2, True)]


def test_a_message_is_noted_once(
    five: tuple[GroupedAcks, list[Message]], told: list[tuple[int, bool]]
) -> None:
    acks, messages = five
    acks.note(messages[-1])
    acks.settle(messages)
    assert told == [(5, True)]
    assert len(acks._open) == 0


@pytest.mark.parametrize("has_a_slow_head", [False, True])
def test_what_others_settle_is_not_remembered(
    told: list[tuple[int, bool]], *, has_a_slow_head: bool
) -> None:
    """Pools of threads and long jobs settle all their messages themselves."""
    acks = GroupedAcks((OSError,))
    for number in range(1, 10 * acks_module.FEW):
        message = Message(number, told)
        acks.note(message)
        message.acknowledged = number > 1 or not has_a_slow_head
    assert len(acks._open) <= acks_module.FEW + 1


def test_a_broker_that_is_gone_stops_nothing(five: tuple[GroupedAcks, list[Message]]) -> None:
    acks, messages = five
    for message in messages:
        message.is_broken = True
    acks.settle(messages[:2])
    acks.settle(messages[3:])
    acks.flush()
    assert not acks.are_waiting


def test_other_transports_hear_of_each_message(told: list[tuple[int, bool]]) -> None:
    Acks((OSError,)).settle([Message(2, told), Message(1, told)])
    assert told == [(2, False), (1, False)]
