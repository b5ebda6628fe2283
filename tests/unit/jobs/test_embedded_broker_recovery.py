"""What happens to the things of a process that has ended."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from kombu import Consumer, Exchange, Queue

from celery_uncovered.jobs.embedded_broker import owner
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

MAILBOX = Queue("node.pidbox", Exchange("pidbox", type="fanout"), auto_delete=True, exclusive=True)


def hold_messages(folder: Path, number: int, holds: Any) -> None:
    """Take ``number`` messages, acknowledge none, declare a temporary queue, and stay."""
    connection = connect(folder)
    taken: list[Any] = []
    with (
        connection.channel() as channel,
        Consumer(channel, [DEFAULT], on_message=taken.append, prefetch_count=number),
        Consumer(channel, [MAILBOX], on_message=taken.append),
    ):
        while len(taken) < number:
            connection.drain_events(timeout=10)
        holds.set()
        signal.pause()


@pytest.fixture
def holder(tmp_path: Path) -> Any:
    """A process that holds 5 of 8 messages."""
    publish(connect(tmp_path), *range(8))
    holds = fork.Event()
    process = fork.Process(daemon=True, target=hold_messages, args=(tmp_path, 5, holds))
    process.start()
    assert holds.wait(10)
    yield process
    process.kill()
    process.join()


def test_what_a_killed_consumer_held_is_delivered_to_another(tmp_path: Path, holder: Any) -> None:
    os.kill(holder.pid, signal.SIGKILL)

    bodies = receive(connect(tmp_path), 8)

    assert sorted(bodies) == list(range(8))
    wait_until(lambda: files(Layout(tmp_path).unacked) == [])


def test_the_dead_ones_messages_come_to_a_consumer_that_already_waits(
    tmp_path: Path, holder: Any
) -> None:
    bodies: list[int] = []

    def take(message: Any) -> None:
        bodies.append(message.payload)
        redelivered.append(message.delivery_info["redelivered"])
        message.ack()

    redelivered: list[bool] = []
    connection = connect(tmp_path)
    with connection.channel() as channel, Consumer(channel, [DEFAULT], on_message=take):
        while len(bodies) < 3:
            connection.drain_events(timeout=10)
        assert redelivered == [False] * 3, "the living one's messages were left alone"
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0)
        os.kill(holder.pid, signal.SIGKILL)
        while len(bodies) < 8:
            connection.drain_events(timeout=10)

    assert sorted(bodies) == list(range(8))
    assert redelivered[3:] == [True] * 5


def test_a_dead_process_leaves_no_temporary_queue_and_no_half_message(
    tmp_path: Path, holder: Any
) -> None:
    layout = Layout(tmp_path)
    holder_name = next(path.name for path in layout.unacked.iterdir() if files(path))
    half = layout.incoming / holder_name / "half.json"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b'{"bo')
    assert layout.queue(MAILBOX.name).exists()
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()

    receive(connect(tmp_path), 8)

    assert not layout.queue(MAILBOX.name).exists()
    assert MAILBOX.name not in layout.table.read_text()
    assert not half.parent.exists()
    assert not (layout.unacked / holder_name).exists()


def test_a_new_process_with_an_old_pid_is_not_its_owner() -> None:
    host, boot, pid, start = owner.current_owner().split(",")

    assert not owner.is_gone(f"{host},{boot},{pid},{start}")
    assert owner.is_gone(f"{host},{boot},{pid},{int(start) - 1}")
    assert owner.is_gone(f"{host},another-boot,{pid},{start}")


def test_what_cannot_be_judged_from_here_is_left_alone() -> None:
    assert not owner.is_gone("elsewhere,boot,1,1")
    assert not owner.is_gone("lost+found")


def test_a_zombie_has_ended() -> None:
    process = fork.Process(daemon=True, target=os._exit, args=(0,))
    process.start()
    host, boot, _, _ = owner.current_owner().split(",")
    start = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]

    wait_until(lambda: owner.is_gone(f"{host},{boot},{process.pid},{start}"))
    process.join()
