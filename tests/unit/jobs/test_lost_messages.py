"""Messages that were published and are gone from the broker are sent again; others are let be."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone
from kombu import Exchange, Queue

from celery_uncovered.jobs import dispatcher, lost_messages, outbox
from celery_uncovered.jobs.errors import UnknownExchangeError, UnknownQueueError
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import queued


def published(seconds_ago: float, queue: str = "default", **columns: Any) -> str:
    task_id = str(tasks.add.apply_async((1, 1), queue=queue).id)
    then = timezone.now() - timedelta(seconds=seconds_ago)
    Job.objects.filter(id=task_id).update(published_at=then, queued_at=then, **columns)
    return task_id


def marked() -> set[str]:
    return set(queued().filter(published_at=None).values_list("id", flat=True))


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many messages each queue of the broker holds."""
    numbers = {"default": 0, "io": 0}
    monkeypatch.setattr(lost_messages, "_waiting_in_broker", numbers.__getitem__)
    return numbers


@pytest.mark.behaviour("J1")
@pytest.mark.usefixtures("waiting")
def test_what_an_empty_queue_does_not_hold_is_sent_again(ledger: list[Delivery]) -> None:
    """A job whose message the broker lost would otherwise wait for ever."""
    old = published(600)
    young = published(5)
    assert lost_messages.mark_lost_messages() == 1
    assert marked() == {old}
    assert dispatcher.publish_unpublished() == 1
    assert [(one.message.task_id, one.attempt) for one in ledger] == [(old, 1)]
    assert Job.objects.get(id=young).published_at is not None
    assert lost_messages.mark_lost_messages() == 0


@pytest.mark.usefixtures("ledger")
def test_what_may_still_wait_in_its_queue_is_let_be(waiting: dict[str, int]) -> None:
    """A long queue is not a lost one: nothing younger has come through."""
    waiting["default"] = 5
    published(600)
    lost = published(600, queue="io")
    assert lost_messages.mark_lost_messages() == 1
    assert marked() == {lost}


@pytest.mark.usefixtures("ledger")
def test_what_younger_messages_have_overtaken_is_sent_again(waiting: dict[str, int]) -> None:
    waiting["default"] = 5
    overtaken = published(600)
    published(130)
    published(120, state=State.STARTED, started_at=timezone.now())
    assert lost_messages.mark_lost_messages() == 1
    assert marked() == {overtaken}


@pytest.mark.usefixtures("ledger")
def test_a_queue_that_cannot_be_asked_about_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(queue: str) -> int:
        if queue == "default":
            raise ConnectionError
        return 0

    monkeypatch.setattr(lost_messages, "_waiting_in_broker", look)
    published(600)
    lost = published(600, queue="io")
    assert lost_messages.mark_lost_messages() == 1
    assert marked() == {lost}


@pytest.fixture
def channel() -> Iterator[Any]:
    """A channel of the embedded broker in this session's folder, whose queues are then empty."""
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        for queue in current_app.amqp.queues.values():
            queue(channel).declare()
            channel.queue_purge(queue.name)
        yield channel
        for queue in current_app.amqp.queues.values():
            queue(channel).declare()
            channel.queue_purge(queue.name)


@pytest.mark.django_db
def test_the_broker_itself_is_asked(channel: Any) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    outbox.publish([outbox.delivery_of(Job.objects.get(id=task_id))])
    long_ago = timezone.now() - timedelta(minutes=10)
    Job.objects.filter(id=task_id).update(published_at=long_ago, queued_at=long_ago)
    assert lost_messages.mark_lost_messages() == 0
    channel.queue_purge("default")
    assert lost_messages.mark_lost_messages() == 1
    assert dispatcher.publish_unpublished() == 1
    assert channel.queue_declare(queue="default", passive=True).message_count == 1


@pytest.mark.django_db
def test_a_queue_that_the_broker_does_not_have_holds_nothing(channel: Any) -> None:
    """As after a broker was set up anew."""
    channel.queue_delete("io")
    published(600, queue="io")
    assert lost_messages.mark_lost_messages() == 1


@pytest.mark.behaviour("J5")
@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"queue": "fast"}, id="queue"),
        pytest.param({"routing_key": "fast"}, id="routing key"),
        pytest.param({"queue": "default", "routing_key": "fast"}, id="routing key of a queue"),
        pytest.param({"queue": Queue("fast")}, id="queue object"),
    ],
)
def test_a_message_that_would_reach_no_queue_is_refused(options: Any) -> None:
    """It would be sent, confirmed, and never delivered."""
    with pytest.raises(UnknownQueueError) as caught:
        tasks.add.apply_async((1, 1), **options)
    assert str(caught.value) == 'Queue "fast" is not configured; choose one of: default, io.'
    assert not Job.objects.exists()


@pytest.mark.behaviour("J5")
@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("exchange", ["elsewhere", Exchange("elsewhere")])
def test_an_unknown_exchange_is_refused(exchange: Any) -> None:
    with pytest.raises(UnknownExchangeError) as caught:
        tasks.add.apply_async((1, 1), exchange=exchange, routing_key="default")
    assert str(caught.value) == 'Exchange "elsewhere" is not configured; choose one of: jobs.'
    assert not Job.objects.exists()
