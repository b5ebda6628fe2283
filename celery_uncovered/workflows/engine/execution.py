"""A run while a hub advances it: its branches, what they are parked on, and whether it is over."""

import logging
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from celery_uncovered.workflows.engine.branch import Branch, Parked
from celery_uncovered.workflows.engine.history import History
from celery_uncovered.workflows.engine.rows import ClaimedRun
from celery_uncovered.workflows.engine.unwinding import Unwinding
from celery_uncovered.workflows.errors import HistoryLimitError

if TYPE_CHECKING:
    from celery_uncovered.workflows.engine.hub import Hub

#: Steps after which a run is stopped; continue_as_new begins a fresh history.
HISTORY_LIMIT = 50_000
#: Steps at which the log tells of that.
HISTORY_WARNING = 40_000

log = logging.getLogger(__name__)


class Stopped(Unwinding):
    """The run fails, whatever its code says to it."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__()


class Execution:
    """``active`` counts the branches that are not parked; without any the run can be suspended."""

    def __init__(
        self, hub: "Hub", run: ClaimedRun, history: History, function: Callable[[], Any]
    ) -> None:
        self.hub, self.run, self.history = hub, run, history
        self.id, self.epoch = run.id, run.epoch
        self.main = Branch(self, "", function)
        self.context = self.main.gr_context = copy_context()
        self.active = 1
        self.parked: dict[Branch, Parked] = {}
        self.branches: set[Branch] = {self.main}
        self.over: Unwinding | None = None
        self._next_number = history.next_number
        self._count = history.count

    # --- called by its branches -----------------------------------------------------------------------
    def check(self) -> None:
        """Unwind further where somebody has caught what unwinds."""
        if self.over is not None:
            raise self.over

    def end(self, unwinding: Unwinding) -> Unwinding:
        """It is over for this time; returns what its branches are unwound by."""
        if self.over is None:
            self.over = unwinding
        return self.over

    def take_number(self) -> int:
        """The number of the next record."""
        number = self._next_number
        self._next_number += 1
        self._count += 1
        if self._count == HISTORY_WARNING:
            log.warning(
                "Run %s of %s has recorded %d steps; at %d it is stopped, unless it goes on with"
                " continue_as_new",
                self.id,
                self.run.workflow,
                self._count,
                HISTORY_LIMIT,
            )
        return number

    def check_length(self) -> None:
        """Unwind where the history is as long as it may be."""
        if self._count >= HISTORY_LIMIT:
            raise self.end(Stopped(HistoryLimitError(HISTORY_LIMIT)))

    def park(self, branch: Branch, parked: Parked) -> str:
        """Return the text that the wait ended with, which is recorded by then."""
        self.parked[branch] = parked
        self._rest()
        text: str = branch.leave()
        return text

    def branch_out(self, branches: list[Branch]) -> None:
        self.branches.update(branches)
        self.active += len(branches) - 1
        for branch in branches:
            self.hub.make_ready(branch)

    def on_ended(self, branch: Branch) -> None:
        self.branches.discard(branch)
        if isinstance(branch.error, Unwinding):
            self.end(branch.error)
        if self.over is not None:
            self.hub.on_over(self)
        elif branch is self.main:
            self.hub.on_ended(self)
        elif branch.gatherer is not None and branch.gatherer.on_gathered_ended():
            self.hub.make_ready(branch.gatherer)
        else:
            self._rest()

    # --- called by the hub ----------------------------------------------------------------------------
    def unpark(self, branch: Branch) -> Parked:
        self.active += 1
        self._unparked = self.parked.pop(branch)
        return self._unparked

    def park_again(self, branch: Branch) -> None:
        """What the branch was unparked for just now went to another run."""
        self.parked[branch] = self._unparked
        self._rest()

    def unwind(self) -> None:
        """Unwind every branch, the gathered ones before those that gather them."""
        over = self.over
        if over is None:
            raise RuntimeError(self.id)
        for branch in sorted(self.branches, key=lambda one: -len(one.path)):
            if not branch.dead:
                branch.throw(type(over), over)
        self.branches.clear()
        self.parked.clear()

    def _rest(self) -> None:
        self.active -= 1
        if not self.active:
            self.hub.on_idle(self)
