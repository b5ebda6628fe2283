"""Sending: what the broker takes is told from what it does not, and one message holds up no other."""

from copy import copy
from types import SimpleNamespace
from typing import Any

import pytest
from amqp import spec
from amqp.basic_message import Message
from amqp.exceptions import NotFound
from amqp.serialization import dumps

from celery_uncovered.jobs import confirms
from celery_uncovered.jobs import sender as sender_module
from celery_uncovered.jobs.confirms import ConfirmingChannel
from celery_uncovered.jobs.errors import NotAllSentError
from celery_uncovered.jobs.messages import USUAL, Delivery, full_headers, wire_form
from celery_uncovered.jobs.messages import Message as JobMessage
from celery_uncovered.jobs.sender import Sender

PLAIN, CONFIRMING = "filesystem", "amqp"


def delivery(task_id: str, **headers: Any) -> Delivery:
    message = JobMessage(
        task_id=task_id,
        task="shop.pay",
        queue="default",
        exchange="jobs",
        routing_key="default",
        body="[[], {}, {}]",
        headers={"id": task_id, "group": None} | headers,
        properties={},
    )
    return Delivery(message=message, attempt=1)


class Broker:
    """A connection whose answers to single messages are told by their ids.

    ``returned`` and ``nacked`` are not taken; an exception is raised when its message comes.
    """

    connection_errors = (OSError,)
    channel_errors = (NotFound,)
    default_channel = None
    channel_id = 1

    def __init__(self, answers: dict[str, Any], driver_type: str) -> None:
        self.answers = answers
        self.transport = SimpleNamespace(driver_type=driver_type, having_timeout=self.having)
        self.connection = self
        self.sent: list[str] = []
        self.waits = 0
        self.timeouts: list[float] = []

    # kombu's connection and producer
    def Producer(self, **_: Any) -> "Broker":  # noqa: N802
        return self

    def publish(self, _: str, **options: Any) -> None:
        self.take(options["headers"]["id"])

    def take(self, task_id: str) -> None:
        answer = self.answers.get(task_id)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        if isinstance(answer, Exception):
            raise answer
        self.sent.append(task_id)

    def collect(self) -> None:
        pass

    # py-amqp's connection and channel
    def having(self, timeout: float) -> Any:
        self.timeouts.append(timeout)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def channel(self) -> Any:
        self.events: dict[str, set[Any]] = {
            name: set() for name in ("basic_ack", "basic_nack", "basic_return")
        }
        self.number, self.unanswered = 0, list[Any]()
        return self

    def confirm_select(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, _: int, __: int, method: Any, arguments: bytes, message: Any) -> None:
        assert method == spec.Basic.Publish
        assert arguments == dumps("Bssbb", (0, "jobs", "default", True, False))
        self.number += 1
        task_id = message.headers["id"]
        self.take(task_id)
        self.unanswered.append((self.number, self.answers.get(task_id), message))

    def drain_events(self, timeout: float) -> None:
        assert 0 < timeout <= sender_module.CONFIRM_SECONDS
        self.waits += 1
        number, answer, message = self.unanswered.pop(0)
        if answer == "silence":
            raise TimeoutError
        if answer == "returned":
            self.tell("basic_return", None, "", "", message)
        self.tell("basic_nack" if answer == "nacked" else "basic_ack", number, 0)

    def tell(self, event: str, *arguments: Any) -> None:
        for listener in self.events[event]:
            listener(*arguments)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sender over a broker with these answers; ``connections`` says how often it connected."""

    def act(driver_type: str = CONFIRMING, **answers: Any) -> tuple[Sender, Broker]:
        broker = Broker(answers, driver_type)

        def connect(sender: Any) -> None:
            if sender._broker is None:
                broker.answers["connections"] = broker.answers.get("connections", 0) + 1
                sender._broker = broker

        monkeypatch.setattr(Sender, "_connect", connect)
        monkeypatch.setattr(confirms, "frame_writer", lambda *_: broker.write)
        monkeypatch.setattr(Sender, "_declare", lambda *_: True)
        return Sender(), broker

    return act


def ids(deliveries: list[Delivery]) -> list[str]:
    return [one.message.task_id for one in deliveries]


def three() -> list[Delivery]:
    return [delivery(name) for name in ("one", "two", "three")]


@pytest.mark.parametrize("driver_type", [PLAIN, CONFIRMING])
def test_a_message_that_the_broker_refuses_holds_up_no_other(
    connect: Any, driver_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RabbitMQ closes the channel for an unknown exchange; all that was on it is sent again."""
    sender, broker = connect(driver_type, two=NotFound("no exchange 'elsewhere'"))
    assert ids(sender.send(three())) == ["one", "three"]
    assert "Job two is not sent" in caplog.text
    assert broker.answers["connections"] == 1


@pytest.mark.parametrize("answer", ["nacked", "returned"])
def test_what_the_broker_gives_back_is_not_taken(
    connect: Any, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    sender, _ = connect(two=answer)
    assert ids(sender.send(three())) == ["one", "three"]
    assert "Job two is not sent: no queue takes it" in caplog.text


def test_many_messages_go_out_before_the_first_answer_is_awaited(connect: Any) -> None:
    sender, broker = connect(one="silence")
    with pytest.raises(NotAllSentError):
        sender.send(three())
    assert broker.sent == ["one", "two", "three"]
    assert broker.waits == 1
    assert broker.timeouts == [sender_module.CONFIRM_SECONDS]


@pytest.mark.parametrize("driver_type", [PLAIN, CONFIRMING])
def test_what_was_taken_before_the_connection_broke_is_told(connect: Any, driver_type: str) -> None:
    sender, _ = connect(driver_type, two=ConnectionError("gone"))
    with pytest.raises(NotAllSentError, match="gone") as caught:
        sender.send(three())
    # Without the broker's word nothing is taken.
    assert ids(caught.value.taken) == (["one"] if driver_type == PLAIN else [])


@pytest.mark.parametrize("driver_type", [PLAIN, CONFIRMING])
def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    connect: Any, driver_type: str
) -> None:
    sender, broker = connect(driver_type, two=[ConnectionError("closed while idle")])
    assert ids(sender.send([delivery("one")])) == ["one"]
    assert ids(sender.send([delivery("two"), delivery("three")])) == ["two", "three"]
    assert broker.answers["connections"] == 2


def test_one_ack_may_stand_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker({}, CONFIRMING)
    monkeypatch.setattr(confirms, "frame_writer", lambda *_: broker.write)
    channel = ConfirmingChannel(broker)
    for name in ("one", "two", "three", "four"):
        channel.publish(
            name,
            Message(application_headers={"id": name}),
            exchange="jobs",
            routing_key="default",
        )
    broker.tell("basic_ack", 2, 1)
    assert channel.unconfirmed == {"three", "four"}
    broker.tell("basic_nack", 4, 1)
    assert channel.settle(1) == {"three", "four"}


def test_messages_travel_without_what_is_none_or_usual() -> None:
    usual = {name: copy(value) for name, value in USUAL.items()} | {"root_id": "one"}
    headers, _ = wire_form(delivery("one", shadow=None, **usual))
    assert headers == {"id": "one", "job_attempt": 1}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"retries": 2, "timelimit": [5, None], "root_id": "root", "group": "all"},
        {"ignore_result": True, "lang": "go", "stamps": {"x": 1}, "replaced_task_nesting": 1},
    ],
)
def test_what_travels_is_read_as_it_was(given: dict[str, Any]) -> None:
    """A header that is missing is not the same as one with the usual value."""
    headers, _ = wire_form(delivery("one", **given))
    full = full_headers(headers)
    assert full.pop("root_id") == given.get("root_id", "one")
    # Where Celery reads a number that is missing as 0, so do we.
    missing = dict.fromkeys(USUAL) | {"retries": 0, "replaced_task_nesting": 0}
    expected = missing | {"id": "one", "job_attempt": 1}
    assert full == expected | {name: value for name, value in given.items() if name != "root_id"}


def test_messages_are_written_together_and_none_is_left_behind() -> None:
    written: list[bytes] = []
    buffer = confirms.Buffer(SimpleNamespace(write=lambda data: written.append(bytes(data))))
    buffer.write(b"one")
    buffer.write(memoryview(b"two"))
    assert written == []
    buffer.flush()
    buffer.flush()
    assert written == [b"onetwo"]
    buffer.write(b"x" * confirms.LARGE)
    assert len(written) == 2
