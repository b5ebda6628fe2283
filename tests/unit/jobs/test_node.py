"""Who a worker is, and when it is surely dead."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from celery_uncovered.jobs import node
from celery_uncovered.jobs.models import Node
from celery_uncovered.jobs.worker import heartbeat


def test_a_process_that_runs_is_not_dead() -> None:
    here = node.identify()
    assert here.pid == os.getpid()
    assert not node.is_surely_dead(here)
    assert node.identify().id == here.id


def test_a_process_that_ended_is_dead_also_before_it_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        there = node.identify(process.pid)
        assert not node.is_surely_dead(there)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert node.process_start(process.pid) is None
        assert node.is_surely_dead(there)
    assert node.is_surely_dead(there)


def test_a_process_that_got_the_id_of_another_does_not_stand_for_it() -> None:
    assert node.is_surely_dead(replace(node.identify(), process_start="1"))


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"boot_id": "another"}])
def test_of_another_host_nothing_is_known(change: Any) -> None:
    assert not node.is_surely_dead(replace(node.identify(), process_start="1", **change))


def test_of_another_pid_namespace_nothing_is_known() -> None:
    """A container has the host's name and boot at times, and process ids of its own."""
    here = node.identify()
    boot, _, namespace = here.boot_id.partition("/")
    assert namespace == str(Path("/proc/self/ns/pid").stat().st_ino)
    elsewhere = replace(here, boot_id=f"{boot}/1", process_start="1")
    assert not node.is_surely_dead(elsewhere)


def test_where_processes_are_hidden_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = replace(node.identify(), process_start="1")
    assert node.is_surely_dead(dead)
    assert node.is_gone(2**30)
    monkeypatch.setattr(node, "_PROC", tmp_path)
    assert not node.is_surely_dead(dead)
    assert not node.is_gone(2**30)


def test_children_claim_for_the_worker_that_forked_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_worker", None)
    assert node.worker_node().pid == os.getpid()
    node.become_worker()
    child = os.fork()
    if child == 0:
        os._exit(0 if node.worker_node().pid == os.getppid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.django_db
def test_a_heartbeat_writes_one_row_and_renews_it() -> None:
    here = node.identify()
    heartbeat.beat(here, "worker1@here")
    long_ago = timezone.now() - timedelta(hours=1)
    Node.objects.update(beat_at=long_ago, started_at=long_ago)
    heartbeat.beat(here, "worker1@here")
    row = Node.objects.get()
    assert (row.id, row.name, row.pid) == (here.id, "worker1@here", os.getpid())
    assert timezone.now() - row.beat_at < timedelta(minutes=1)
    assert row.started_at == long_ago
