"""The publisher: sends from its own thread, survives a fork, and loses nothing that it cannot send."""

import os
import threading
from typing import Any

import pytest

from celery_uncovered.jobs import dispatching, messages, outbox, published
from celery_uncovered.jobs.errors import NotAllSentError
from celery_uncovered.jobs.messages import Delivery, Message, wire_form
from celery_uncovered.jobs.models import Job
from tests.support.app import tasks
from tests.unit.jobs.running import perform, value_of


def delivery(task_id: str, attempt: int = 1) -> Delivery:
    message = Message(
        task_id=task_id,
        task="shop.pay",
        queue="default",
        exchange="jobs",
        routing_key="default",
        body="[[], {}, {}]",
        headers={},
        properties={},
    )
    return Delivery(message=message, attempt=attempt)


def test_it_sends_what_it_is_given_in_order_and_flush_waits_for_it(
    sent: list[Delivery],
) -> None:
    publisher = outbox.Publisher()
    for number in range(3):
        publisher.send([delivery(str(number))])
    assert publisher.flush(10)
    assert [one.message.task_id for one in sent] == ["0", "1", "2"]


def test_what_has_waited_too_long_is_the_dispatchers(
    sent: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for it by now; both would send it."""
    publisher = outbox.Publisher()
    monkeypatch.setattr(outbox, "PATIENCE_SECONDS", -1.0)
    publisher.send([delivery("late"), delivery("later")])
    assert publisher.flush(10)
    monkeypatch.setattr(outbox, "PATIENCE_SECONDS", 60.0)
    publisher.send([delivery("in time")])
    assert publisher.flush(10)
    assert [one.message.task_id for one in sent] == ["in time"]


def test_it_gives_up_well_before_the_dispatcher_looks() -> None:
    note = published.LINGER_SECONDS
    assert outbox.PATIENCE_SECONDS + note < dispatching.GRACE.total_seconds()


def test_flush_says_when_it_could_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(outbox, "send", lambda _: gate.wait(10) and [])
    publisher = outbox.Publisher()
    publisher.send([delivery("stuck")])
    assert not publisher.flush(0.05)
    gate.set()
    assert publisher.flush(10)


def test_a_broker_that_fails_costs_neither_the_thread_nor_the_caller(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def fail_at_first(batch: list[Delivery]) -> list[Delivery]:
        tried.extend(one.message.task_id for one in batch)
        if tried == ["first"]:
            raise NotAllSentError([], ConnectionError("connection refused"))
        return []

    monkeypatch.setattr(outbox, "send", fail_at_first)
    publisher = outbox.Publisher()
    for task_id in ("first", "second"):
        publisher.send([delivery(task_id)])
        assert publisher.flush(10)
    assert tried == ["first", "second"]
    assert (
        "1 messages wait for the dispatcher: The broker cannot be reached: connection refused."
        in caplog.text
    )


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_has_a_publisher_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's thread does not exist there, and its lock may be held for ever."""
    reading, writing = os.pipe()
    monkeypatch.setattr(
        outbox,
        "send",
        lambda batch: os.write(writing, batch[0].message.task_id.encode()) and [],
    )
    inherited = outbox.publisher()
    inherited.send([delivery("parent ")])
    assert inherited.flush(10)
    with outbox._publisher_lock:
        child = os.fork()
        if child == 0:
            send_and_end(inherited)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert outbox.publisher() is inherited
    os.close(writing)
    assert os.read(reading, 100) == b"parent child"


def send_and_end(inherited: outbox.Publisher) -> None:
    """In the child: 0 if it sent by a publisher of its own."""
    try:
        own = outbox.publisher()
        own.send([delivery("child")])
        os._exit(0 if own is not inherited and own.flush(10) else 1)
    finally:
        os._exit(2)


@pytest.mark.usefixtures("ledger")
def test_a_message_is_built_from_the_row_for_the_next_attempt() -> None:
    task_id = tasks.add.apply_async((1, 2), priority=3).id
    Job.objects.filter(id=task_id).update(attempt=4)
    built = outbox.delivery_of(Job.objects.get(id=task_id))
    assert built.attempt == 5
    message = built.message
    assert (message.task_id, message.task, message.queue) == (task_id, tasks.add.name, "default")
    assert (message.exchange, message.routing_key) == ("jobs", "default")
    assert message.headers["id"] == message.properties["correlation_id"] == task_id
    assert message.body.startswith("[[1, 2], {}, ")


@pytest.mark.usefixtures("ledger")
def test_a_job_that_moved_on_is_not_noted_as_sent() -> None:
    task_id = str(tasks.add.delay(1, 2).id)
    Job.objects.filter(id=task_id).update(attempt=1)
    published.note_published([delivery(task_id, attempt=1)])
    assert Job.objects.get(id=task_id).published_at is None
    published.note_published([delivery(task_id, attempt=2)])
    assert Job.objects.get(id=task_id).published_at is not None


@pytest.mark.usefixtures("ledger")
def test_nothing_is_sent_where_the_transaction_rolls_back(
    sent: list[Delivery], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        tasks.add.delay(1, 2)
        outbox.publisher().flush(10)
        assert sent == []
    assert len(callbacks) == 1
    callbacks[0]()
    outbox.publisher().flush(10)
    assert len(sent) == 1


@pytest.mark.usefixtures("ledger")
def test_a_large_body_stays_in_the_ledger_and_is_read_at_the_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message that travels is small, and the job gets its arguments all the same."""
    monkeypatch.setattr(messages, "LARGEST_SENT", 100)
    text = "long " * 100
    task_id = str(tasks.echo.delay(text).id)
    large = outbox.delivery_of(Job.objects.get(id=task_id))
    headers, body = wire_form(large)
    assert len(body) < 100
    request = headers | {"delivery_info": {}, "hostname": "here"}
    perform(large.message.task, task_id, request, body)
    assert value_of(task_id) == text
