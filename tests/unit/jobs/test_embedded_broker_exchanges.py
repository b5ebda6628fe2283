"""Routing, and the binding table that all processes share."""

import os
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import AMQPNotImplementedError, NotFound, PreconditionFailed
from kombu import Exchange, Producer, Queue

from celery_uncovered.jobs.embedded_broker.exchanges import BindingTable
from celery_uncovered.jobs.embedded_broker.layout import Layout
from celery_uncovered.jobs.embedded_broker.table_file import UnreadableTableError
from tests.unit.jobs.embedded_broker_help import connect, fork, publish, receive


def queue(name: str, kind: str, key: str) -> Queue:
    return Queue(name, Exchange(f"{kind}s", type=kind), routing_key=key)


@pytest.mark.parametrize(
    ("kind", "keys", "sent", "reached"),
    [
        ("direct", {"a": "x", "b": "y"}, "x", {"a"}),
        ("topic", {"a": "jobs.*", "b": "jobs.#", "c": "mail"}, "jobs.io", {"a", "b"}),
        ("fanout", {"a": "", "b": ""}, "anything", {"a", "b"}),
    ],
)
def test_an_exchange_sends_to_the_queues_that_match(
    kind: str, keys: dict[str, str], sent: str, reached: set[str], tmp_path: Path
) -> None:
    with connect(tmp_path) as declaring, declaring.channel() as channel:
        for name, key in keys.items():
            queue(name, kind, key)(channel).declare()
    # A second connection has declared nothing itself.
    with connect(tmp_path) as sending, sending.channel() as channel:
        Producer(channel).publish("hello", exchange=f"{kind}s", routing_key=sent)

        assert {name for name in keys if channel._size(name)} == reached


def bind_many(folder: Path, part: int) -> None:
    table = BindingTable(Layout(folder))
    for number in range(40):
        table.bind("jobs", (f"{part}.{number}", None, f"queue-{part}-{number}"))


def test_processes_that_bind_at_once_lose_no_binding(tmp_path: Path) -> None:
    processes = [
        fork.Process(daemon=True, target=bind_many, args=(tmp_path, part)) for part in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)

    assert len(BindingTable(Layout(tmp_path)).bindings("jobs")) == 160


def test_a_table_is_read_whole_while_it_is_replaced(tmp_path: Path) -> None:
    process = fork.Process(daemon=True, target=bind_many, args=(tmp_path, 1))
    process.start()
    seen = 0
    while process.is_alive():
        found = len(BindingTable(Layout(tmp_path)).bindings("jobs"))
        assert found >= seen
        seen = found
    process.join()
    assert process.exitcode == 0


def test_a_change_by_another_is_seen_whatever_the_files_times_say(tmp_path: Path) -> None:
    reader, writer = BindingTable(Layout(tmp_path)), BindingTable(Layout(tmp_path))
    path = Layout(tmp_path).table
    writer.bind("jobs", ("a", None, "reply-1"))
    assert reader.is_bound("reply-1")
    before = path.stat()
    path.write_text(path.read_text().replace("reply-1", "reply-2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert reader.is_bound("reply-2")


def test_an_unreadable_table_is_named_and_not_overwritten(tmp_path: Path) -> None:
    Layout(tmp_path).table.write_text("{")
    with pytest.raises(UnreadableTableError, match=r"exchanges\.json"):
        BindingTable(Layout(tmp_path)).declare("jobs", "topic")
    assert Layout(tmp_path).table.read_text() == "{"


def test_an_exchange_keeps_its_type_and_ignores_its_arguments(tmp_path: Path) -> None:
    with connect(tmp_path).channel() as channel:
        Exchange("jobs", type="topic")(channel).declare()
        Exchange("jobs", type="topic", arguments={"alternate-exchange": "x"})(channel).declare()
        with pytest.raises(PreconditionFailed, match="of type topic, not fanout"):
            Exchange("jobs", type="fanout")(channel).declare()
        with pytest.raises(AMQPNotImplementedError, match="choose one of: direct, fanout, topic"):
            Exchange("other", type="headers")(channel).declare()


def test_looking_for_what_was_never_declared_is_refused(tmp_path: Path) -> None:
    with connect(tmp_path).channel() as channel:
        with pytest.raises(NotFound, match='Queue "nobody" does not exist'):
            channel.queue_declare("nobody", passive=True)
        with pytest.raises(NotFound, match='Exchange "nobody" does not exist'):
            channel.exchange_declare("nobody", passive=True)


def test_a_reply_queue_goes_with_its_consumer(tmp_path: Path) -> None:
    reply = Queue("reply", Exchange("replies"), "me", auto_delete=True, exclusive=True)
    connection = connect(tmp_path)
    publish(connection, "hello", queue=reply)
    assert receive(connection, 1, queue=reply) == ["hello"]

    table = BindingTable(Layout(tmp_path))
    assert not table.is_bound("reply")
    assert table.owner_of("reply") is None
    assert not Layout(tmp_path).queue("reply").exists()


def test_a_late_reply_does_not_bring_its_queue_back(tmp_path: Path) -> None:
    with connect(tmp_path).channel() as channel:
        Queue("reply", Exchange("replies"), "me")(channel).declare()
        lookup = channel._lookup

        def lookup_and_lose(*args: Any) -> Any:
            queues = lookup(*args)
            channel.queue_delete("reply")
            return queues

        channel._lookup = lookup_and_lose
        Producer(channel).publish("late", exchange="replies", routing_key="me")

    assert not Layout(tmp_path).queue("reply").exists()


def test_an_unbound_queue_receives_nothing_more(tmp_path: Path) -> None:
    with connect(tmp_path).channel() as channel:
        bound = queue("a", "direct", "x")(channel)
        bound.declare()
        bound.unbind_from(bound.exchange, routing_key="x")
        Producer(channel).publish("hello", exchange="directs", routing_key="x")
        assert channel._size("a") == 0
