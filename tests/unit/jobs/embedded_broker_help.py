"""What the embedded broker's tests share: connections, counting, waiting with a deadline."""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kombu import Connection, Consumer, Exchange, Producer, Queue

fork = multiprocessing.get_context("fork")

JOBS = Exchange("jobs", type="topic", arguments={"alternate-exchange": "jobs.unroutable"})
DEFAULT = Queue("default", JOBS, routing_key="default", queue_arguments={"x-queue-type": "quorum"})


def connect(folder: Path) -> Any:
    """A kombu connection; Any, for what our channel has and kombu's types lack."""
    return Connection(
        "filesystem://",
        transport="celery_uncovered.jobs.embedded_broker:Transport",
        transport_options={"folder": str(folder)},
    )


def publish(connection: Any, *bodies: Any, queue: Queue = DEFAULT) -> None:
    with connection.channel() as channel:
        producer = Producer(channel)
        for body in bodies:
            producer.publish(
                body, exchange=queue.exchange, routing_key=queue.routing_key, declare=[queue]
            )


def receive(connection: Any, number: int, *, queue: Queue = DEFAULT) -> list[Any]:
    """The next ``number`` bodies, acknowledged; fails after ten seconds without one."""
    bodies: list[Any] = []

    def take(message: Any) -> None:
        bodies.append(message.payload)
        message.ack()

    with connection.channel() as channel, Consumer(channel, [queue], on_message=take):
        while len(bodies) < number:
            connection.drain_events(timeout=10)
    return bodies


def wait_until(condition: Callable[[], Any], *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.01)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
