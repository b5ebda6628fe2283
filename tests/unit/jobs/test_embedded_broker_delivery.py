"""Sending and receiving through kombu: among processes, across forks, with and without inotify."""

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Consumer
from kombu.asynchronous import Hub

from celery_uncovered.jobs.embedded_broker import wakeup
from celery_uncovered.jobs.embedded_broker.layout import Layout
from tests.unit.jobs.embedded_broker_help import (
    DEFAULT,
    connect,
    files,
    fork,
    publish,
    receive,
    wait_until,
)


def produce(folder: Path, producer: int, number: int) -> None:
    publish(connect(folder), *([producer, index] for index in range(number)))


def consume_into(folder: Path, results: Any, stop: Any) -> None:
    def take(message: Any) -> None:
        results.put(message.payload)
        message.ack()

    connection = connect(folder)
    with connection.channel() as channel, Consumer(channel, [DEFAULT], on_message=take):
        while not stop.is_set():
            try:
                connection.drain_events(timeout=0.2)
            except TimeoutError:
                continue


def test_three_producers_and_several_consumers_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    results, stop = fork.Queue(), fork.Event()
    consumers = [
        fork.Process(daemon=True, target=consume_into, args=(tmp_path, results, stop))
        for _ in range(3)
    ]
    producers = [
        fork.Process(daemon=True, target=produce, args=(tmp_path, part, 300)) for part in range(3)
    ]
    for process in (*consumers, *producers):
        process.start()
    got = [tuple(results.get(timeout=30)) for _ in range(900)]
    wait_until(lambda: files(Layout(tmp_path).unacked) == [])
    stop.set()
    for process in (*consumers, *producers):
        process.join(20)

    assert results.empty()
    assert Counter(got) == Counter((part, index) for part in range(3) for index in range(300))


def test_closing_gives_back_what_was_not_acknowledged(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    publish(connection, "a", "b")
    taken: list[Any] = []
    with connection.channel() as channel:
        Consumer(channel, [DEFAULT], on_message=taken.append).consume()
        connection.drain_events(timeout=5)
        connection.drain_events(timeout=5)
        taken[0].ack()

    assert receive(connect(tmp_path), 1) == ["b"]


def test_a_rejected_message_is_deleted_or_requeued_as_told(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    publish(connection, "drop", "again")
    with connection.channel() as channel:
        queue: Any = DEFAULT(channel)
        queue.get().reject()
        queue.get().requeue()
        message = queue.get()
        assert message.payload == "again"
        assert message.delivery_info["redelivered"]
        message.ack()
        assert queue.get() is None
    assert files(Layout(tmp_path).unacked) == []


def test_a_message_taken_without_acknowledgement_is_gone_at_once(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    publish(connection, "a", "b")
    with connection.channel() as channel:
        queue: Any = DEFAULT(channel)
        assert queue.get(no_ack=True).payload == "a"
        with Consumer(channel, [DEFAULT], on_message=lambda _: None, no_ack=True):
            connection.drain_events(timeout=5)
        assert files(Layout(tmp_path).unacked) == []
        assert channel._size("default") == 0


def test_draining_honours_its_timeout(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    with connection.channel() as channel, Consumer(channel, [DEFAULT], on_message=print):
        for timeout in (0, 0.05, 0.3):
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                connection.drain_events(timeout=timeout)
            assert timeout <= time.monotonic() - started < timeout + 2


def wait_for_one(connection: Any) -> Any:
    """Start waiting for a message in a thread; returns a function that gives what came."""
    bodies: list[Any] = []
    thread = threading.Thread(target=lambda: bodies.extend(receive(connection, 1)))
    thread.start()

    def joined() -> list[Any]:
        thread.join(10)
        return bodies

    return joined


@pytest.fixture(params=["inotify", "polling"])
def way_to_wake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "polling":
        monkeypatch.setattr(wakeup, "_open_inotify", lambda: None)
    else:
        # Without its notice, the message would come too late for the test.
        monkeypatch.setattr(wakeup, "SAFETY_NET", 60)
    return str(request.param)


def test_a_waiting_consumer_gets_what_another_process_puts(
    tmp_path: Path, way_to_wake: str
) -> None:
    joined = wait_for_one(connect(tmp_path))
    wait_until(Layout(tmp_path).queue("default").exists)
    fork.Process(daemon=True, target=produce, args=(tmp_path, 1, 1)).start()

    assert joined() == [[1, 0]]


def test_the_event_loop_delivers_and_takes_more_once_there_is_room(
    tmp_path: Path, way_to_wake: str
) -> None:
    taken: list[Any] = []
    hub, connection = Hub(), connect(tmp_path)
    connection.transport.register_with_event_loop(connection.connection, hub)
    with connection.channel() as channel:
        consumer = Consumer(channel, [DEFAULT], on_message=taken.append, prefetch_count=2)
        consumer.consume()
        publish(connect(tmp_path), *range(5))
        turn_until(hub, lambda: len(taken) == 2)
        assert [message.payload for message in taken] == [0, 1]

        threading.Thread(target=taken[0].ack).start()
        turn_until(hub, lambda: len(taken) == 3)
        taken[1].ack()
        turn_until(hub, lambda: len(taken) == 4)
    connection.close()
    assert not hub.readers


def turn_until(hub: Hub, condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        hub.run_once()


def test_acknowledging_in_another_thread_lets_a_full_consumer_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup, "SAFETY_NET", 60)
    taken: list[Any] = []
    connection = connect(tmp_path)
    publish(connection, "a", "b")
    with (
        connection.channel() as channel,
        Consumer(channel, [DEFAULT], on_message=taken.append, prefetch_count=1),
    ):
        connection.drain_events(timeout=5)
        threading.Timer(0.2, taken[0].ack).start()
        connection.drain_events(timeout=10)

    assert [message.payload for message in taken] == ["a", "b"]


def settle_everything(connection: Any, taken: list[Any]) -> None:
    taken[0].ack()
    taken[1].reject(requeue=True)
    connection.close()


def test_a_forked_child_cannot_settle_what_its_parent_holds(tmp_path: Path) -> None:
    taken: list[Any] = []
    connection = connect(tmp_path)
    publish(connection, "a", "b")
    with connection.channel() as channel:
        Consumer(channel, [DEFAULT], on_message=taken.append).consume()
        connection.drain_events(timeout=5)
        connection.drain_events(timeout=5)
        child = fork.Process(daemon=True, target=settle_everything, args=(connection, taken))
        child.start()
        child.join(10)

        assert child.exitcode == 0
        assert len(files(Layout(tmp_path).unacked)) == 2


def test_a_forked_child_waits_on_a_descriptor_of_its_own(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    parents = connection.transport.wakeup
    results = fork.Queue()
    child = fork.Process(daemon=True, target=lambda: results.put(connection.transport.wakeup.pid))
    child.start()

    assert results.get(timeout=10) == child.pid
    child.join()
    assert connection.transport.wakeup is parents


def test_the_folder_must_be_configured() -> None:
    with pytest.raises(ValueError, match="needs a folder"):
        Connection(
            "filesystem://", transport="celery_uncovered.jobs.embedded_broker:Transport"
        ).connect()
