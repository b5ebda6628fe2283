"""The scope with real workers: it arrives unchanged, and no job gets that of another."""

from typing import Any

import pytest

from tests.integration.jobs import scopes
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import scoped

TOLD = {**scopes.SCOPE, "language": "de"}
POOLS = pytest.mark.parametrize("pool", ["prefork", "threads"])


@POOLS
def test_the_scope_arrives_unchanged_in_every_way(stack: Stack, ledger: Ledger, pool: str) -> None:
    stack.start("worker", "--pool", pool)
    stack.start("dispatcher")
    ids = stack.call(scopes.submit_in_every_way)
    for task_id in ids.values():
        assert ledger.wait_until_final(task_id).state == "SUCCESS", ledger.job(task_id)
    assert stack.call(scopes.told, list(ids.values())) == dict.fromkeys(ids.values(), TOLD)

    # The child, the parts, and the errback.
    def told_by_others() -> list[Any]:
        return list(stack.call(scopes.told_by_others, scoped.tell.name, list(ids.values())))

    stack.wait_for(lambda: len(told_by_others()) > 10, 40, "the others have told their scopes")
    assert [each for each in told_by_others() if each != TOLD] == []
    stack.wait_for(
        lambda: stack.call(scopes.told_by_others, scoped.tell_after.name, []) == [TOLD],
        40,
        "the errback has told its scope",
    )
    # A dead letter that is tried again.
    assert ledger.wait_until_final("fails").error == repr(scopes.SCOPE)
    assert [id_ for id_, *_ in stack.call(scopes.dead_letters)] == ["fails"], stack.logs()
    assert stack.call(scopes.retry_dead_letters) == 1
    stack.wait_for(lambda: len(ledger.attempts("fails")) == 2, 40, "it failed again")
    assert ledger.wait_until_final("fails").error == repr(scopes.SCOPE)
    assert stack.call(scopes.scopes_stored) == [scopes.SCOPE]


def test_a_schedule_submits_in_the_scope_of_its_headers(stack: Stack) -> None:
    stack.start("worker")
    stack.call(scopes.schedule_with_scope)
    stack.start("beat")
    found = stack.wait_for(
        lambda: stack.call(scopes.told_by_others, scoped.tell.name, []),
        40,
        "a job of the schedule has told its scope",
    )
    assert found[0] == TOLD


@POOLS
def test_jobs_of_many_threads_never_mix(stack: Stack, pool: str) -> None:
    """Tasks that leave a language and a name behind run between those that have none."""
    stack.start("worker", "--pool", pool)
    stack.start("dispatcher")
    expected = stack.call(scopes.submit_from_threads, 4, 25)
    stack.wait_for(
        lambda: len(stack.call(scopes.told, list(expected))) == len(expected),
        60,
        "all jobs have succeeded",
    )
    assert stack.call(scopes.told, list(expected)) == expected


def test_a_soft_limit_leaves_nothing_for_the_next_job(stack: Stack, ledger: Ledger) -> None:
    """In the same child, whether the limited job goes alone or with company."""
    stack.start("worker", "--concurrency", "1")
    limited, after = stack.call(scopes.submit_limited_and_after)
    assert ledger.wait_until_final(limited).error == "SoftTimeLimitExceeded()"
    for task_id in after:
        assert ledger.wait_until_final(task_id).state == "SUCCESS"
    seen = stack.call(scopes.told, after)
    assert [seen[task_id] for task_id in after] == [{"language": "en-gb"}] * 2 + [TOLD]
