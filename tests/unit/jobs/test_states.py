"""The table of moves: what the page says, what the code says, and what the doors let through."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from celery_uncovered.jobs import settle
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.settle import Outcome
from celery_uncovered.jobs.states import FINAL, LIVE, SOURCES, WAITING, State
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks
from tests.unit.jobs.running import state_of

PAGE = Path(settings.BASE_DIR, "docs/reference/states.md")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


def moves_on_the_page() -> dict[State, set[State]]:
    sources: dict[State, set[State]] = {}
    of_jobs = PAGE.read_text().partition("# The states of a run")[0]
    for before, after in ROW.findall(of_jobs)[1:]:
        if before.strip() != "–":  # noqa: RUF001  # the page says it so
            for state in states_in(after):
                sources.setdefault(state, set()).update(states_in(before))
    return sources


def states_in(cell: str) -> set[State]:
    if cell.strip() == "any that is not final":
        return set(LIVE)
    return {State(word) for word in re.findall(r"[A-Z]+", cell)}


def test_the_page_draws_the_table_in_the_code() -> None:
    assert moves_on_the_page() == {state: set(sources) for state, sources in SOURCES.items()}


def test_every_state_is_either_live_or_final() -> None:
    assert set(LIVE) | set(FINAL) == set(State)
    assert not set(LIVE) & set(FINAL)
    assert set(LIVE) - set(WAITING) == {State.STARTED}
    left = {state: set(sources) & set(FINAL) for state, sources in SOURCES.items()}
    assert left.pop(State.QUEUED) == {State.FAILURE, State.REVOKED}
    assert not any(left.values())


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", FINAL)
def test_the_first_final_state_wins(before: State, after: State) -> None:
    task_id = job_in(before)
    assert settle.finish(task_id, Outcome(state=after), attempt=None) is (before in SOURCES[after])
    assert state_of(task_id) == (after if before in LIVE else before)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("before", list(State))
def test_only_a_queued_job_is_claimed(before: State) -> None:
    task_id = job_in(before)
    claimed = claim.claim_job(task_id, attempt=1, task="add")
    assert (claimed is not None) is (before in SOURCES[State.STARTED])
    assert state_of(task_id) == (State.STARTED if claimed else before)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("before", list(State))
def test_only_a_started_job_is_given_back(before: State) -> None:
    task_id = job_in(before)
    Job.objects.filter(id=task_id).update(lease_node="here", attempt=1)
    given_back = settle.give_back(task_id, attempt=1, reason="The worker died.")
    assert given_back is (before == State.STARTED)
    assert state_of(task_id) == (State.QUEUED if given_back else before)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("number", [1, 3])
def test_an_attempt_that_is_not_the_current_one_changes_nothing(number: int) -> None:
    task_id = job_in(State.STARTED)
    Job.objects.filter(id=task_id).update(lease_node="here", attempt=2)
    assert not settle.finish(task_id, Outcome(state=State.SUCCESS), attempt=number)
    assert not settle.give_back(task_id, attempt=number, reason="The worker died.")
    assert state_of(task_id) == State.STARTED
    assert settle.finish(task_id, Outcome(state=State.SUCCESS), attempt=2)


def job_in(state: State) -> str:
    task_id = str(tasks.add.delay(1, 1).id)
    Job.objects.filter(id=task_id).update(state=state)
    return task_id
