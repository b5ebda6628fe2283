"""Whatever happens while a job runs or is recorded, its attempt ends, and ``perform`` raises nothing."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from celery.exceptions import Reject
from django.db import DataError, OperationalError

from celery_uncovered.jobs import patience, settle
from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.settle import Outcome
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import outcomes_of, perform, run_job, state_of, value_of

DROPPED = (0, "'dropped'", 0.0)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SHORTEST", 0.001)


def fail_first(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, times: int, *, afterwards: bool = False
) -> list[tuple[Any, ...]]:
    """Let a function's first calls end in OperationalError, if told so after their work is done."""
    real: Callable[..., Any] = getattr(module, name)
    calls: list[tuple[Any, ...]] = []

    def flaky(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        answer = real(*args, **kwargs) if afterwards or len(calls) > times else None
        if len(calls) <= times:
            message = "server closed the connection"
            raise OperationalError(message)
        return answer

    monkeypatch.setattr(module, name, flaky)
    return calls


@pytest.mark.behaviour("J11")
@pytest.mark.usefixtures("committed_ledger")
def test_a_result_that_the_database_refuses_twice_is_recorded_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The task succeeded, and no passing trouble of the database makes a failure of it."""
    task_id = str(tasks.add.delay(1, 1).id)
    tried = fail_first(monkeypatch, settle, "finish", 2)
    run_job(task_id)
    assert [args[1].state for args in tried] == [State.SUCCESS] * 3
    assert (state_of(task_id), value_of(task_id)) == (State.SUCCESS, 2)
    assert outcomes_of(task_id) == ["SUCCESS"]


@pytest.mark.usefixtures("committed_ledger")
def test_a_failure_and_a_retry_wait_for_the_database_too(monkeypatch: pytest.MonkeyPatch) -> None:
    failed, retried = str(tasks.fail.delay("out of paper").id), str(tasks.retry_once.delay(60).id)
    fail_first(monkeypatch, settle, "finish", 2)
    fail_first(monkeypatch, settle, "retry", 2)
    run_job(failed)
    run_job(retried)
    assert Job.objects.get(id=failed).error == "out of paper"
    assert (outcomes_of(failed), outcomes_of(retried)) == (["FAILURE"], ["RETRY"])


@pytest.fixture
def quiet() -> Iterator[None]:
    """No log is kept: pytest's report of the test could not carry such a text either."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("ledger", "quiet")
@pytest.mark.parametrize("text", ["bad \ud800 name", "bad \0 name"], ids=["surrogate", "NUL"])
def test_an_error_that_no_database_takes_is_recorded_with_a_replacement(text: str) -> None:
    task_id = str(tasks.fail.delay("x").id)
    raise_text(task_id, text)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error) == (State.FAILURE, "bad \ufffd name")
    assert "bad \ufffd name" in job.traceback
    assert Attempt.objects.get(job_id=task_id).error == "bad \ufffd name"


def raise_text(task_id: str, text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:

        def run(_: str) -> None:
            raise RuntimeError(text)

        patched.setattr(tasks.fail, "run", run)
        run_job(task_id)


@pytest.mark.usefixtures("ledger")
def test_an_end_that_cannot_be_recorded_brings_the_job_back_and_fails_it_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such an attempt counts as one that a worker was lost with; the fifth is the last."""
    real = settle.finish

    def refuse(task_id: str, outcome: Outcome, *, attempt: int | None) -> bool:
        if outcome.error_type != "WorkerLostError":
            message = "value too long"
            raise DataError(message)
        return real(task_id, outcome, attempt=attempt)

    monkeypatch.setattr(settle, "finish", refuse)
    task_id = str(tasks.add.delay(1, 1).id)
    assert run_job(task_id) == DROPPED
    job = Job.objects.get(id=task_id)
    assert (job.state, job.lease_node, job.times_lost) == (State.QUEUED, None, 1)
    assert "DataError" in Attempt.objects.get(job_id=task_id).error
    for _ in range(4):
        run_job(task_id)
    assert state_of(task_id) == State.FAILURE
    assert outcomes_of(task_id) == ["LOST"] * 4 + ["FAILURE"]


@pytest.mark.usefixtures("ledger")
def test_a_task_that_ends_its_process_is_brought_back_as_often_as_a_lost_one() -> None:
    """SystemExit in a thread ends nothing, and leaves nothing behind."""
    task_id = str(odd_tasks.leave_the_process.delay().id)
    assert run_job(task_id) == DROPPED
    assert state_of(task_id) == State.QUEUED
    for _ in range(4):
        run_job(task_id)
    assert outcomes_of(task_id) == ["LOST"] * 4 + ["FAILURE"]


@pytest.mark.behaviour("J11")
@pytest.mark.usefixtures("committed_ledger")
def test_a_claim_whose_answer_was_lost_goes_on_and_runs_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The COMMIT arrived, its answer did not: the job is this process's, so it runs it."""
    task_id = str(tasks.add.delay(1, 1).id)
    calls = fail_first(monkeypatch, claim, "claim_job", 1, afterwards=True)
    run_job(task_id)
    assert len(calls) == 2
    assert (state_of(task_id), value_of(task_id)) == (State.SUCCESS, 2)
    assert outcomes_of(task_id) == ["SUCCESS"]


@pytest.mark.usefixtures("ledger")
def test_a_duplicate_in_another_thread_is_dropped_while_the_job_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    answers: list[Any] = []
    resumed: list[str] = []

    def run(x: int, y: int) -> int:
        monkeypatch.setattr(claim, "claim_job", lambda *_, **__: None)
        monkeypatch.setattr(claim, "resume", lambda id_, _: resumed.append(id_))
        # Built here: another thread does not see this test's rows.
        other = threading.Thread(target=lambda: answers.append(deliver_again(task_id)))
        other.start()
        other.join()
        return x + y

    monkeypatch.setattr(tasks.add, "run", run)
    run_job(task_id)
    assert (answers, resumed) == ([DROPPED], [])
    assert outcomes_of(task_id) == ["SUCCESS"]


def deliver_again(task_id: str) -> Any:
    return perform(tasks.add.name, task_id, {"id": task_id, "job_attempt": 1}, "[[1, 1], {}, {}]")


@pytest.mark.usefixtures("ledger")
def test_an_attempt_of_another_process_is_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    assert claim.claim_job(task_id, attempt=1, task=tasks.add.name)
    Job.objects.filter(id=task_id).update(lease_pid=1)
    assert run_job(task_id, attempt=1) == DROPPED
    assert outcomes_of(task_id) == ["STARTED"]


@pytest.mark.usefixtures("ledger")
def test_a_message_that_cannot_be_claimed_is_rejected_and_nothing_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pool of threads would keep an exception to itself, and Celery never settle the message."""

    def refuse(*_: Any, **__: Any) -> None:
        message = "no such column"
        raise DataError(message)

    task_id = str(tasks.add.delay(1, 1).id)
    monkeypatch.setattr(claim, "claim_job", refuse)
    failed, info, seconds = run_job(task_id)
    assert (failed, seconds) == (1, 0.0)
    assert isinstance(info, ExceptionInfo)
    error: Any = getattr(info.exception, "exc", info.exception)
    assert (type(error).__name__, error.requeue) == (Reject.__name__, False)
    assert state_of(task_id) == State.QUEUED
