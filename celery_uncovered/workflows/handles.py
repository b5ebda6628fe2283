"""Handles of runs: what somebody who has started one, or knows its id, can ask."""

import time
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.engine.branch import current_branch
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.errors import (
    RunCancelledError,
    RunFailedError,
    RunNotFinalError,
    RunNotFoundError,
)
from celery_uncovered.workflows.models import Run, Step
from celery_uncovered.workflows.states import FINAL, RunState
from celery_uncovered.workflows.values import decode

R = TypeVar("R")
#: Seconds between looks at a run that somebody waits for, the first and the longest.
FIRST_LOOK, LONGEST_LOOK = 0.002, 0.25


@dataclass(frozen=True)
class Handle(Generic[R]):
    """A run by its ``id``."""

    id: str

    def result(self, timeout: float | None = None) -> R:
        """What the run returned; waits for its end, within a workflow without holding anything.

        Raises RunFailedError, RunCancelledError, RunNotFoundError, or RunNotFinalError after
        ``timeout`` seconds.
        """
        branch = current_branch()
        if branch is not None:
            branch.wait(
                waiting.CHILD,
                "result",
                mark="",
                key=self.id,
                due_at=lambda: None if timeout is None else clock.in_seconds(timeout),
            )
            outcome = branch.noted("outcome", "outcome", lambda: _outcome_text(self.id))
        else:
            self.wait(timeout)
            outcome = _outcome_text(self.id)
        return _value_of(self.id, outcome, timeout or 0.0)  # type: ignore[no-any-return]

    def wait(self, timeout: float | None = None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_LOOK
        while (state := self.state) not in FINAL:
            if deadline is not None and time.monotonic() > deadline:
                raise RunNotFinalError(self.id, state.value, timeout or 0.0)
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    @property
    def state(self) -> RunState:
        state = Run.objects.filter(id=self.id).values_list("state", flat=True).first()
        if state is None:
            raise RunNotFoundError(self.id)
        return RunState(state)

    def query(self, name: str) -> Any:
        """What the run showed last with ``set_value``; None if nothing yet."""
        shown = Step.objects.filter(run_id=self.id, kind="value", label__startswith=f"{name}#")
        text = shown.order_by("-number").values_list("value", flat=True).first()
        return None if text is None else decode(text)


def _outcome_text(run_id: str) -> list[Any]:
    run = Run.objects.filter(id=run_id).first()
    if run is None:
        raise RunNotFoundError(run_id)
    return [run.state, run.result, run.error_type, run.error]


def _value_of(run_id: str, outcome: list[Any], timeout: float) -> Any:
    state, result, error_type, error = outcome
    if state not in FINAL:
        raise RunNotFinalError(run_id, state, timeout)
    if state == RunState.CANCELLED:
        raise RunCancelledError(run_id)
    if state == RunState.FAILURE:
        raise RunFailedError(run_id, error_type, error)
    return decode(result or "null")
