"""Jobs that failed for good are errors, each once; retries and the mails' own jobs are none."""

import logging
from collections.abc import Iterator

import pytest

from celery_uncovered.error_mails import configured
from celery_uncovered.error_mails.handler import ErrorMailHandler
from celery_uncovered.error_mails.job_failures import on_job_failed
from celery_uncovered.error_mails.keeper import Keeper
from celery_uncovered.error_mails.names import MAIL_TASK
from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job
from tests.support.app import tasks
from tests.unit.error_mails.help import FakeDesk
from tests.unit.jobs.running import make_due, run_all, run_job

pytestmark = pytest.mark.usefixtures("committed_ledger")


@pytest.fixture(autouse=True)
def handler(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if LOGGING gave it to the root."""
    monkeypatch.setattr(configured, "_has_handler", False)
    handler = ErrorMailHandler()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


def test_a_failed_job_is_one_error_with_its_task_its_traceback_and_its_id(
    keeper: Keeper, desk: FakeDesk
) -> None:
    task_id = tasks.fail.delay("out of paper").id
    run_all()
    keeper.flush(10)
    [tally] = desk.stored
    event = tally.event
    assert event
    assert (tally.count, event.source, event.job_id) == (1, tasks.fail.name, task_id)
    assert event.sentence == "RuntimeError: out of paper"
    assert event.traceback.endswith("RuntimeError: out of paper\n")
    assert event.place.startswith("support/app/tasks.py:")
    assert event.context == f"Job {task_id} of {tasks.fail.name}"


def test_jobs_of_one_task_that_fail_alike_are_one_kind(keeper: Keeper, desk: FakeDesk) -> None:
    for number in range(3):
        tasks.fail.delay(f"number {number}")
    run_all()
    keeper.flush(10)
    assert len({tally.kind for tally in desk.stored}) == 1
    assert desk.total == 3


def test_a_retry_is_no_error_and_the_last_failure_is_one(keeper: Keeper, desk: FakeDesk) -> None:
    task_id = tasks.retry_in_vain.delay().id
    run_job(task_id)
    assert Job.objects.get(id=task_id).state == "RETRY"
    keeper.flush(10)
    assert desk.total == 0
    make_due(task_id)
    run_all()
    keeper.flush(10)
    assert desk.total == 1


def test_a_success_and_a_cancelled_job_are_none(keeper: Keeper, desk: FakeDesk) -> None:
    tasks.add.delay(1, 1)
    jobs.cancel_job(tasks.add.delay(2, 2).id)
    run_all()
    keeper.flush(10)
    assert desk.total == 0


def test_the_mails_own_job_and_a_project_without_the_handler_are_left_alone(
    keeper: Keeper, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = jobs.submit(MAIL_TASK, args=[1])
    Job.objects.filter(id=own).update(body="[[], {}, {}]")
    run_all()
    assert Job.objects.get(id=own).state == "FAILURE"
    monkeypatch.setattr(configured, "_has_handler", False)
    tasks.fail.delay("unseen")
    run_all()
    keeper.flush(10)
    assert desk.total == 0
    assert on_job_failed in [receiver() for _, receiver, _ in jobs.job_failed.receivers]
