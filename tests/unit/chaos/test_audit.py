"""The audit of a chaos run notices each way in which something may be lost or done twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos import audit
from tests.chaos.evidence import WORK, Evidence, JobRow, effects
from tests.chaos.plan import FULL_JOBS, LONG, Plan
from tests.chaos.report import longest_gap

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DONE = JobRow(task=WORK, state="SUCCESS", attempt=2, result="2", created_at=NOON, finished_at=NOON)
PLAN = Plan(stack="servers", jobs=2, minutes=1.0, seed=1, periods=LONG)


def good() -> Evidence:
    """Two jobs, the first killed once in the middle of its work."""
    return Evidence(
        told=["a", "b"],
        jobs={"a": DONE, "b": replace(DONE, attempt=1, result="1")},
        attempts={"a": [(1, "LOST"), (2, "SUCCESS")], "b": [(1, "SUCCESS")]},
        copies={"a": ("SUCCESS", "2"), "b": ("SUCCESS", "1")},
        begun={"a": [1, 2], "b": [1]},
        ended={"a": [2], "b": [1]},
        redelivered=1,
    )


def without(evidence: Evidence, field: str) -> Evidence:
    """As if nothing of this kind were known of job a."""
    rest: Any = {key: value for key, value in getattr(evidence, field).items() if key != "a"}
    return replace(evidence, **{field: rest})


def with_a(evidence: Evidence, field: str, value: object) -> Evidence:
    changed: Any = getattr(evidence, field) | {"a": value}
    return replace(evidence, **{field: changed})


def test_a_run_in_which_all_went_well_has_no_problems() -> None:
    assert audit.problems(good(), PLAN) == []


def test_a_claim_that_never_began_needs_no_row() -> None:
    evidence = with_a(good(), "attempts", [(2, "SUCCESS")])
    assert audit.problems(with_a(evidence, "begun", [2]), PLAN) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: without(one, "jobs"), "is not in the ledger"),
        (lambda one: replace(one, told=["b"]), "no client was told of it"),
        (lambda one: replace(one, told=["a", "a"]), "was accepted 2 times"),
        (lambda one: with_a(one, "jobs", replace(DONE, state="QUEUED")), "is QUEUED at attempt 2"),
        (lambda one: with_a(one, "jobs", replace(DONE, state="FAILURE")), "is FAILURE"),
        (lambda one: with_a(one, "ended", [1]), "succeeded at {2}"),
        (lambda one: without(one, "begun"), "succeeded at {2}"),
        (lambda one: with_a(one, "begun", [1, 2, 2]), "Attempt 2 of job a began 2 times"),
        (
            lambda one: with_a(one, "attempts", [(2, "SUCCESS")]),
            "Attempts [1] of job a began and are not recorded",
        ),
        (lambda one: with_a(one, "attempts", [(1, "SUCCESS")]), "is at attempt 2, and its attempt"),
        (lambda one: without(one, "attempts"), "is at attempt 2, and its attempts are []"),
        (
            lambda one: with_a(one, "attempts", [(1, "SUCCESS"), (2, "SUCCESS")]),
            "recorded as successful twice",
        ),
        (
            lambda one: with_a(one, "attempts", [(1, "SUCCESS"), (2, "LOST")]),
            "ended so: ['SUCCESS', 'LOST']",
        ),
        (
            lambda one: with_a(one, "attempts", [(1, "FAILURE"), (2, "SUCCESS")]),
            "ended so: ['FAILURE', 'SUCCESS']",
        ),
        (lambda one: without(one, "copies"), "its copy says None"),
        (lambda one: with_a(one, "copies", ("SUCCESS", "1")), "its copy says"),
        (lambda one: replace(one, copies=one.copies | {"x": ("SUCCESS", "1")}), "A copy tells of"),
    ],
)
def test_everything_that_went_wrong_is_named(
    spoil: Callable[[Evidence], Evidence], words: str
) -> None:
    assert any(words in problem for problem in audit.problems(spoil(good()), PLAN))


def test_beats_jobs_are_not_the_clients() -> None:
    beats = replace(DONE, task="another", attempt=1)
    evidence = good()
    evidence.jobs["x"] = beats
    evidence.attempts["x"] = [(1, "SUCCESS")]
    evidence.copies["x"] = ("SUCCESS", "2")
    assert audit.problems(evidence, PLAN) == []


def test_many_problems_of_a_kind_are_counted() -> None:
    assert audit.shortened([str(number) for number in range(8)]) == [
        *"01234",
        "... and 3 more of this kind.",
    ]


def test_the_lines_of_the_work_are_read_by_job_and_attempt() -> None:
    noted = ["begins a 1 77", "begins a 2 78", "ends a 2 78"]
    assert effects(noted) == ({"a": [1, 2]}, {"a": [2]})


def test_the_longest_gap_is_between_two_successes() -> None:
    moments = [NOON + timedelta(seconds=seconds) for seconds in (0, 1, 6, 8)]
    assert longest_gap(moments) == 5.0


def test_a_seed_gives_the_same_faults_in_order_and_as_often_as_asked_for() -> None:
    plan = replace(PLAN, jobs=FULL_JOBS)
    first, second = plan.faults(), plan.faults()
    faults = [next(first) for _ in range(1000)]
    assert faults == [next(second) for _ in range(1000)]
    assert faults == sorted(faults)
    in_twenty_minutes = [kind for at, kind in faults if at <= 20 * 60]
    assert in_twenty_minutes.count("worker") >= 200
    assert in_twenty_minutes.count("broker") >= 30
    other = replace(plan, seed=2).faults()
    assert [next(other) for _ in range(1000)] != faults


def test_the_clients_shares_are_all_jobs() -> None:
    plan = replace(PLAN, jobs=10, clients=3)
    assert [plan.share(number) for number in range(3)] == [4, 3, 3]
