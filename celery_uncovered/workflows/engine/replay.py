"""Replaying a history against the code as it is, without doing anything."""

from celery_uncovered.workflows.engine import claims
from celery_uncovered.workflows.engine.branch import Branch
from celery_uncovered.workflows.engine.execution import Execution
from celery_uncovered.workflows.engine.hub import Hub
from celery_uncovered.workflows.engine.unwinding import Mismatch, Unwinding
from celery_uncovered.workflows.models import Run
from celery_uncovered.workflows.states import RunState


class _Over(Unwinding):
    """All is replayed."""


class Replay(Hub):
    """A hub whose branches stop where their histories end."""

    def __init__(self) -> None:
        super().__init__(more=lambda _: [])
        self.is_over = False
        self.goes_on_with = ""

    def on_end_of_history(self, branch: Branch, kind: str, label: str) -> None:
        if not self.goes_on_with:
            self.goes_on_with = f'{kind} "{label}"'
        while True:
            branch.leave()
            branch.execution.check()

    def on_ended(self, execution: Execution) -> None:  # noqa: ARG002  # the hub's signature
        self.is_over = True

    def on_over(self, execution: Execution) -> None:  # noqa: ARG002  # the hub's signature
        self.is_over = True

    def on_idle(self, execution: Execution) -> None:
        """It waits for its branches, which wait for nobody."""

    def replay(self, claim: claims.Claim) -> Execution:
        execution = Execution(self, claim.run, claim.history, claim.function)
        self.make_ready(execution.main)
        while self._ready and not self.is_over:
            branch, value = self._ready.popleft()
            branch.switch(value)
        return execution


def difference(run: Run) -> str:
    """How the history of ``run`` does not fit the code, in one sentence; empty where it fits.

    A run that is over must end in the code where it ended in the history.
    """
    claim = claims.with_history(run)
    if claim.problem is not None:
        return str(claim.problem)
    hub = Replay()
    execution = hub.replay(claim)
    try:
        if isinstance(execution.over, Mismatch):
            return str(execution.over)
        if run.state in (RunState.SUCCESS, RunState.FAILURE) and not hub.is_over:
            return f"The run has ended; the code goes on with {hub.goes_on_with}."
        if execution.main.dead and execution.main.is_replaying():
            upcoming = execution.main.upcoming()
            label = upcoming.label if upcoming else ""
            return f'The history goes on with "{label}"; the code ends.'
    finally:
        execution.end(_Over())
        execution.unwind()
    return ""
