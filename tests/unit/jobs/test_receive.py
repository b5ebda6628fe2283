"""A message that came without a ledger row gets one before it runs, once."""

from typing import Any

import pytest

from celery_uncovered.jobs.messages import encode
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import make_due, outcomes_of, perform, run_all, state_of, value_of

pytestmark = pytest.mark.usefixtures("ledger")

TASK_ID = "from-elsewhere"


def deliver(task: Any, *args: Any, task_id: str = TASK_ID) -> None:
    """What ``send_task`` of another program sends: no number of an attempt."""
    request = {
        "id": task_id,
        "task": task.name,
        "root_id": task_id,
        "lang": "py",
        "retries": 0,
        "timelimit": [None, None],
        "reply_to": "some-queue",
        "correlation_id": task_id,
        "delivery_info": {"exchange": "jobs", "routing_key": "io", "redelivered": False},
    }
    body = encode([args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    perform(task.name, task_id, request, body)


def test_it_gets_a_row_and_runs() -> None:
    deliver(tasks.add, 1, 2)
    job = Job.objects.get(id=TASK_ID)
    assert (job.state, job.task, job.queue) == (State.SUCCESS, tasks.add.name, "io")
    assert value_of(TASK_ID) == 3
    assert outcomes_of(TASK_ID) == ["SUCCESS"]


def test_it_runs_once_however_often_it_is_delivered() -> None:
    deliver(tasks.add, 1, 2)
    deliver(tasks.add, 5, 5)
    assert value_of(TASK_ID) == 3
    assert outcomes_of(TASK_ID) == ["SUCCESS"]
    assert Job.objects.count() == 1


def test_its_retry_waits_in_the_ledger_and_a_second_delivery_does_not_hurry_it() -> None:
    deliver(tasks.retry_once, 600)
    assert state_of(TASK_ID) == State.RETRY
    deliver(tasks.retry_once, 600)
    assert state_of(TASK_ID) == State.RETRY
    make_due(TASK_ID)
    assert run_all() == ["retry_once"]
    assert outcomes_of(TASK_ID) == ["RETRY", "SUCCESS"]


def test_a_job_that_was_submitted_is_not_taken_twice() -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    deliver(tasks.add, 1, 1, task_id=task_id)
    assert run_all() == []
    assert outcomes_of(task_id) == ["SUCCESS"]
