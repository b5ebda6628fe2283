"""Apps above are told of each failure once, when it is committed, whichever way the job failed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import chain, chord
from django.db import transaction

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import failures, recovery, settle
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.settle import Outcome
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import run_all
from tests.unit.jobs.web.help import make_job

pytestmark = pytest.mark.usefixtures("committed_ledger")


@pytest.fixture
def told() -> Iterator[list[jobs.JobFailure]]:
    found: list[jobs.JobFailure] = []

    def listen(failure: jobs.JobFailure, **_: Any) -> None:
        assert not transaction.get_connection().in_atomic_block
        found.append(failure)

    jobs.job_failed.connect(listen)
    yield found
    jobs.job_failed.disconnect(listen)


def failed_ids() -> set[str]:
    return set(Job.objects.filter(state="FAILURE").values_list("id", flat=True))


def test_a_failure_is_told_with_what_its_row_says(told: list[jobs.JobFailure]) -> None:
    task_id = tasks.fail.delay("out of paper").id
    tasks.add.delay(1, 1)
    run_all()
    job = Job.objects.get(id=task_id)
    [failure] = told
    assert failure == jobs.JobFailure(
        task_id=task_id,
        task=tasks.fail.name,
        error=job.error,
        error_type=job.error_type,
        traceback=job.traceback,
        failed_at=failure.failed_at,
    )
    assert job.finished_at
    assert abs((failure.failed_at - job.finished_at).total_seconds()) < 1


def test_every_row_that_comes_to_failure_is_told_of_once(told: list[jobs.JobFailure]) -> None:
    chord([tasks.fail.s("part"), tasks.add.s(1, 1)], tasks.total.s()).delay()
    chain(tasks.fail.s("step"), tasks.add.s(1)).delay()
    tasks.retry_in_vain.delay()
    make_job("abandoned", state="STARTED", attempt=1)
    recovery.fail(Job.objects.get(id="abandoned"), RuntimeError("gone"), None)
    run_all()
    Job.objects.filter(state="RETRY").update(state="QUEUED")
    run_all()
    names = {"abandoned", *(failure.task_id for failure in told)}
    assert len(told) == len(names)
    submitted = Job.objects.exclude(body="[[], {}, {}]").values_list("id", flat=True)
    assert failed_ids() & {*submitted, "abandoned"} == names


def test_a_failure_that_is_rolled_back_or_comes_second_is_not_told(
    told: list[jobs.JobFailure],
) -> None:
    make_job("one", state="STARTED", attempt=1, lease_node="n")
    failure = Outcome(state=State.FAILURE, error="no")
    with transaction.atomic():
        settle.finish("one", failure, attempt=1)
        transaction.set_rollback(True)
    assert told == []
    assert settle.finish("one", failure, attempt=1)
    assert not settle.finish("one", failure, attempt=1)
    assert [one.error for one in told] == ["no"]


def test_a_listener_that_raises_changes_nothing(told: list[jobs.JobFailure]) -> None:
    def raise_one(**_: Any) -> None:
        raise ValueError

    jobs.job_failed.connect(raise_one)
    try:
        task_id = tasks.fail.delay("out of paper").id
        run_all()
    finally:
        jobs.job_failed.disconnect(raise_one)
    assert Job.objects.get(id=task_id).state == "FAILURE"
    assert len(told) == 1


def test_nothing_is_done_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures.job_failed, "has_listeners", lambda: False)
    monkeypatch.setattr(transaction, "on_commit", None)
    failures.tell_after_commit(
        jobs.JobFailure(
            task_id="1",
            task="t",
            error="",
            error_type="",
            traceback="",
            failed_at=datetime.now(UTC),
        )
    )
