"""A worker forks only while none of its threads uses the database."""

import os
import threading

import pytest

from celery_uncovered.jobs import node
from celery_uncovered.jobs.forking import no_fork


def fork_and_wait() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_waits_for_the_thread_that_uses_the_database() -> None:
    entered, finished = threading.Event(), threading.Event()

    def use_the_database() -> None:
        with no_fork():
            entered.set()
            # Long enough for a fork that does not wait.
            threading.Event().wait(0.3)
            finished.set()

    thread = threading.Thread(target=use_the_database)
    thread.start()
    assert entered.wait(10)
    fork_and_wait()
    assert finished.is_set()
    thread.join()


def test_a_child_may_fork_and_use_the_database_itself() -> None:
    child = os.fork()
    if child == 0:
        try:
            fork_and_wait()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_only_a_workers_main_process_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_worker", None)
    assert not node.is_worker()
    node.become_worker()
    assert node.is_worker()
    child = os.fork()
    if child == 0:
        os._exit(1 if node.is_worker() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
