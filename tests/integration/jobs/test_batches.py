"""Small jobs go to a child together, and each is charged for itself alone."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.integration.jobs.ledger import FINAL, Ledger
from tests.stacks import EMBEDDED, Stack

#: Jobs that tell the worker how small they are, then the hundred with one odd job in its middle.
FIRST, MANY, ODD = 20, 100, 70
JOBS = """
SELECT id, state, attempt, error_type, started_at FROM jobs_job WHERE task LIKE '%%take_part'
"""
ATTEMPTS = "SELECT job_id, number, outcome FROM jobs_attempt"
RESULTS = "SELECT id, result FROM jobs_job"


@pytest.fixture
def hundred(stack: Stack, ledger: Ledger) -> Any:
    """Submit the hundred, with one job that does ``what``; the ids of all, and of the odd one."""

    def submit(what: str, **options: Any) -> tuple[list[str], str]:
        ids = stack.call(
            "tests.integration.jobs.helpers:submit_parts", FIRST + MANY, ODD, what, options
        )
        assert ledger.messages() == FIRST + MANY
        return ids, ids[ODD]

    return submit


def others_ran_once(ledger: Ledger, ids: list[str], odd: str) -> None:
    attempts = Counter(ledger.stack.query(ATTEMPTS))
    results = dict(ledger.stack.query(RESULTS))
    for number, task_id in enumerate(ids):
        if task_id != odd:
            assert attempts.pop((task_id, 1, "SUCCESS")) == 1, number
            assert json.loads(results[task_id] or "") == number
    assert {task_id for task_id, *_ in attempts} <= {odd}
    begun = Counter(ledger.notes())
    assert {begun[f"{number} begins"] for number in range(len(ids)) if ids[number] != odd} == {1}


def wait_for_others(stack: Stack, ids: list[str], odd: str) -> None:
    def are_final() -> bool:
        rows = stack.query(JOBS)
        return all(state in FINAL for id_, state, *_ in rows if id_ != odd)

    stack.wait_for(are_final, 40, "the others are final")


def test_small_jobs_are_claimed_together(stack: Stack, ledger: Ledger, hundred: Any) -> None:
    ids, last = hundred("")
    stack.start("worker")
    wait_for_others(stack, ids, "")
    assert ledger.job(last)
    moments = Counter(str(started) for *_, started in stack.query(JOBS))
    # Reading its files takes the embedded broker longer than such jobs take: few meet there.
    assert max(moments.values()) > 1 or stack.name == EMBEDDED
    others_ran_once(ledger, ids, "")


@pytest.mark.behaviour("J30")
def test_a_job_that_kills_its_process_is_charged_alone(
    stack: Stack, ledger: Ledger, hundred: Any
) -> None:
    ids, poison = hundred("die")
    stack.start("dispatcher")
    stack.start("worker", "--concurrency", "1")
    job = ledger.wait_until_final(poison)
    assert (job.state, job.error_type) == ("FAILURE", "WorkerLostError")
    ends = [attempt.outcome for attempt in ledger.attempts(poison)]
    assert ends == ["LOST"] * (len(ends) - 1) + ["FAILURE"]
    wait_for_others(stack, ids, poison)
    others_ran_once(ledger, ids, poison)


@pytest.mark.behaviour("J13", "J30")
@pytest.mark.parametrize(
    "options", [(), ("--max-tasks-per-child", "1000"), ("-E",)], ids=["", "recycled", "alone"]
)
@pytest.mark.parametrize(
    ("limit", "error"),
    [("time_limit", "TimeLimitExceeded"), ("soft_time_limit", "SoftTimeLimitExceeded")],
)
def test_a_time_limit_ends_the_job_that_had_begun(
    stack: Stack, ledger: Ledger, hundred: Any, limit: str, error: str, options: tuple[str, ...]
) -> None:
    ids, late = hundred("linger", **{limit: 1})
    stack.start("worker", "--concurrency", "1", *options)
    job = ledger.wait_until_final(late)
    assert (job.state, job.error_type) == ("FAILURE", error)
    (attempt,) = ledger.attempts(late)
    # Celery's pool counts from a moment before the claim.
    assert 0.5 <= seconds(attempt.ended_at) - seconds(attempt.started_at) < 20
    wait_for_others(stack, ids, late)
    others_ran_once(ledger, ids, late)


@pytest.mark.behaviour("J30")
def test_a_job_that_takes_long_does_not_hold_up_its_company(
    stack: Stack, ledger: Ledger, hundred: Any
) -> None:
    ids, slow = hundred("linger")
    stack.start("worker", "--concurrency", "2")
    wait_for_others(stack, ids, slow)
    state = ledger.job(slow)
    assert state
    assert state.state == "STARTED"
    ledger.open("linger")
    assert ledger.wait_until_final(slow).state == "SUCCESS"
    others_ran_once(ledger, ids, slow)


@pytest.mark.behaviour("J14", "J30")
def test_a_job_is_terminated_and_its_company_is_not(
    stack: Stack, ledger: Ledger, hundred: Any
) -> None:
    ids, slow = hundred("linger")
    stack.start("worker", "--concurrency", "1")
    ledger.wait_for_note(f"{ODD} begins")
    assert stack.call("tests.integration.jobs.helpers:terminate", slow)
    job = ledger.wait_until_final(slow)
    assert (job.state, job.error) == ("REVOKED", "The job was cancelled.")
    wait_for_others(stack, ids, slow)
    others_ran_once(ledger, ids, slow)


@pytest.mark.behaviour("J12", "J30")
def test_a_worker_that_is_told_to_end_hands_back_what_has_not_begun(
    stack: Stack, ledger: Ledger, hundred: Any
) -> None:
    ids, slow = hundred("linger")
    first = stack.start("worker", "--concurrency", "1")
    ledger.wait_for_note(f"{ODD} begins")
    first.signal(first.end_signal)
    stack.start("worker", "--concurrency", "1")
    wait_for_others(stack, ids, slow)
    assert first.is_running
    ledger.open("linger")
    assert first.wait() == 0
    assert ledger.wait_until_final(slow).state == "SUCCESS"
    assert [attempt.outcome for attempt in ledger.attempts(slow)] == ["SUCCESS"]
    others_ran_once(ledger, ids, slow)


def seconds(moment: Any) -> float:
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).timestamp()
