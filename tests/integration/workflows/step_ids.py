"""What the tests of steps' ids do in the process of a database's stack."""

from typing import Any

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows import testing
from celery_uncovered.workflows.engine import recovery
from celery_uncovered.workflows.models import Run
from tests.integration.workflows.cases import dying_before
from tests.integration.workflows.driver import advance

ids: list[str | None] = []


@workflows.step(retries=1, backoff=3600)
def say(*, fails: bool = False) -> str | None:
    ids.append(workflows.step_id())
    if fails and len(ids) == 1:
        message = "try again"
        raise OSError(message)
    return workflows.step_id()


@workflows.workflow
def say_often(count: int, rounds: int) -> None:
    for _ in range(count):
        say()
    workflows.gather(say, say)
    if rounds > 1:
        workflows.continue_as_new(count, rounds - 1)


@workflows.workflow
def say_again() -> str | None:
    return say(fails=True)


def all_of_a_run() -> dict[str, Any]:
    """Those of threads, those of steps that are known to be quick, of branches, of a second history."""
    ids.clear()
    testing.TimeSkipper().run(say_often, 8, 2)
    return {
        "ids": list(ids),
        "run": Run.objects.latest("created_at").id,
        "here": workflows.step_id(),
    }


def those_of_one_step() -> dict[str, Any]:
    """It is tried again; and once more by another process, since the first one died before its record."""
    ids.clear()
    handle = workflows.start(say_again)
    advance(handle.id)
    with dying_before(0):
        testing.TimeSkipper().until(lambda: len(ids) == 2)
    recovery.let_go_of(testing.JOB)
    testing.TimeSkipper().advance()
    return {"ids": list(ids), "result": handle.result(timeout=0)}
