"""Broker and database fail under load: nothing is lost, nothing succeeds twice, workers go on alone."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.chaos.load import Load
from tests.chaos.plan import Plan
from tests.stacks import EMBEDDED, SERVERS, Running, Stack
from tests.support.outages import database_unanswering

#: How soon workers are at work again after an outage.
RESUMED = 30.0
#: How long the outages last.
DOWN, UNANSWERED = 2.0, 20.0


@pytest.mark.behaviour("J21", "J22")
def test_a_killed_broker_and_a_killed_database_lose_nothing_and_workers_resume(
    killable_stack: Stack,
) -> None:
    stack = killable_stack
    load = load_on(stack)
    processes = start_processes(stack)
    load.start()
    load.wait_for_new_work(timeout=60)
    servers = [stack.rabbitmq, stack.postgres]
    for server in servers:
        assert server
        server.kill()
        time.sleep(DOWN)
        server.start()
        load.wait_for_new_work(timeout=RESUMED)
    load.stop()
    assert load.problems() == []
    assert all(process.is_running for process in processes), stack.logs()


@pytest.mark.behaviour("J21", "J22")
def test_all_who_use_the_embedded_broker_and_database_may_be_killed_at_once(
    embedded_stack: Stack,
) -> None:
    """There is no server to kill: folder and file are there, with what the killed held of them."""
    stack = embedded_stack
    load = load_on(stack)
    processes = start_processes(stack)
    load.start()
    load.wait_for_new_work(timeout=60)
    for _ in range(2):
        for process in processes:
            for pid in (process.pid, *process.children()):
                os.kill(pid, signal.SIGKILL)
        for process in processes:
            process.end()
        processes = start_processes(stack, wait=False)
        # Which have to start first.
        load.wait_for_new_work(timeout=RESUMED * 2)
    load.stop()
    assert load.problems() == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.behaviour("J29", stack=name), id=name)
        for name in (EMBEDDED, SERVERS)
    ],
)
def test_a_database_that_does_not_answer_for_longer_than_the_lease_loses_nothing(
    name: str, new_stack: Callable[..., Stack]
) -> None:
    """No worker beats meanwhile: all may be taken for dead, and none of them is."""
    stack = new_stack(name, own_servers=name == SERVERS)
    stack.env["JOBS_LEASE_SECONDS"] = "12"
    load = load_on(stack)
    processes = start_processes(stack)
    load.start()
    load.wait_for_new_work(timeout=60)
    with database_unanswering(stack):
        time.sleep(UNANSWERED)
    load.wait_for_new_work(timeout=RESUMED)
    load.stop()
    assert load.problems() == []
    assert all(process.is_running for process in processes), stack.logs()


def load_on(stack: Stack) -> Load:
    """Fifteen jobs a second until it is stopped, or for five minutes."""
    plan = Plan(
        stack=stack.name,
        jobs=4500,
        minutes=5.0,
        seed=1,
        periods={},
        clients=2,
        longest_ms=300,
        patience=60.0,
    )
    return Load(plan=plan, stack=stack)


def start_processes(stack: Stack, *, wait: bool = True) -> list[Running]:
    return [
        stack.start("worker", "--concurrency", "4", wait=wait),
        stack.start("dispatcher", wait=wait),
    ]
