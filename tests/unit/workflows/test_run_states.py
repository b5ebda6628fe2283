"""The table of a run's moves: what the page says, what the code says, and what the doors let through."""

import re
from collections.abc import Callable

import pytest

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine import claims, recovery, statements
from celery_uncovered.workflows.engine.rows import EndRow
from celery_uncovered.workflows.errors import NotSteerableError
from celery_uncovered.workflows.models import Run
from celery_uncovered.workflows.states import FINAL, LIVE, PARKED, SOURCES, RunState
from tests.unit.dashboard.test_runs import make_run
from tests.unit.jobs.test_states import PAGE, ROW

ID, EPOCH = "run-1", 0


def states_in(cell: str) -> set[RunState]:
    if cell.strip() == "any that is not final":
        return set(LIVE)
    return {RunState(word) for word in re.findall(r"[A-Z]+", cell)}


def test_the_page_draws_the_table_in_the_code() -> None:
    of_runs = PAGE.read_text().partition("# The states of a run")[2]
    found: dict[RunState, set[RunState]] = {}
    for before, after in ROW.findall(of_runs)[1:]:
        for state in states_in(after):
            found.setdefault(state, set()).update(states_in(before))
    assert found == {state: set(sources) for state, sources in SOURCES.items()}


def test_every_state_is_live_or_final_and_what_is_parked_lives() -> None:
    assert set(LIVE) | set(FINAL) == set(RunState)
    assert not set(LIVE) & set(FINAL)
    assert set(PARKED) < set(LIVE)


def end(state: RunState) -> None:
    statements.finish([EndRow(ID, EPOCH, state.value, result="1", blocked_code="x")])


def resume() -> None:
    try:
        workflows.resume(ID)
    except NotSteerableError:
        return


#: What moves a run to a state, and from which ones; all of them together are the table.
DOORS: dict[str, tuple[Callable[[], object], RunState, set[RunState]]] = {
    "claim": (
        lambda: claims.claim_ready("default", job="one", limit=1),
        RunState.RUNNING,
        {RunState.READY},
    ),
    "suspend": (
        lambda: statements.suspend([(ID, EPOCH)], []),
        RunState.WAITING,
        {RunState.RUNNING},
    ),
    "succeed": (lambda: end(RunState.SUCCESS), RunState.SUCCESS, {RunState.RUNNING}),
    "fail": (lambda: end(RunState.FAILURE), RunState.FAILURE, {RunState.RUNNING}),
    "block": (lambda: end(RunState.BLOCKED), RunState.BLOCKED, {RunState.RUNNING}),
    "give back": (lambda: statements.release(ID, EPOCH), RunState.READY, {RunState.RUNNING}),
    "wake": (lambda: statements.wake([ID]), RunState.READY, {RunState.WAITING}),
    "resume": (
        resume,
        RunState.READY,
        {RunState.BLOCKED, RunState.DEAD, RunState.FAILURE, RunState.CANCELLED},
    ),
    "crash too often": (
        lambda: recovery.charge(Run.objects.get()),
        RunState.DEAD,
        {RunState.RUNNING},
    ),
    # One that is running is asked to stop, and concludes itself.
    "cancel": (
        lambda: workflows.cancel(ID),
        RunState.CANCELLED,
        set(LIVE) - {RunState.RUNNING},
    ),
    "conclude": (
        lambda: statements.cancel_now(ID, EPOCH),
        RunState.CANCELLED,
        set(LIVE),
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("before", list(RunState))
@pytest.mark.parametrize("door", DOORS)
def test_a_door_lets_through_what_the_table_says(door: str, before: RunState) -> None:
    move, after, sources = DOORS[door]
    make_run(ID, state=before, epoch=EPOCH, crashes=4, cancel_requested=door == "conclude")
    move()
    assert RunState(Run.objects.get().state) == (after if before in sources else before)


def test_the_doors_together_are_the_table() -> None:
    found: dict[RunState, set[RunState]] = {}
    for _, after, sources in DOORS.values():
        found.setdefault(after, set()).update(sources)
    assert found == {state: set(sources) for state, sources in SOURCES.items()}
