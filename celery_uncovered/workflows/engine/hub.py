"""Advances many runs in one thread: lets each go on as far as it can, and records for all at once.

A round: every branch that can go on does; what they have to record is written by one statement;
who has ended is recorded by one, and who has nothing left but waits is suspended by one. Steps that
may take long are in threads meanwhile.
"""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import Empty
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from greenlet import getcurrent

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import cancelling, claims, statements, waiting
from celery_uncovered.workflows.engine.branch import Branch, Parked
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.engine.execution import Execution, Stopped
from celery_uncovered.workflows.engine.patience import patiently, pause_after
from celery_uncovered.workflows.engine.recorder import LEAST_AHEAD, Landed, Recorder
from celery_uncovered.workflows.engine.rows import ClaimedRun, EndRow, StepRow, Taken, WaitRow
from celery_uncovered.workflows.engine.rules import Performable
from celery_uncovered.workflows.engine.threads import StepThreads
from celery_uncovered.workflows.engine.unwinding import (
    Cancelled,
    ContinuedAsNew,
    Fenced,
    Mismatch,
    Released,
    Suspended,
    Unwinding,
)
from celery_uncovered.workflows.errors import NotJsonError, StepTimeoutError, TooLargeError
from celery_uncovered.workflows.states import RunState
from celery_uncovered.workflows.values import encode

log = logging.getLogger(__name__)

#: Runs that one hub has in hand at most.
CAPACITY = 500
#: How often the hub looks for other runs while it waits for threads, and for whether it is to stop.
LOOK_SECONDS = 0.05
#: How often it asks which of its runs were cancelled.
ASK_SECONDS = 0.25
#: A hub without anything that takes long ends after so many seconds, so that its worker can do
#: other things; its runs are then another hub's.
SHIFT_SECONDS = 5.0
#: Ends are recorded together, but none waits longer for the others (seconds).
LINGER_SECONDS = 0.005
#: So often an atomic step is tried that loses its database, over some ten seconds.
ATOMIC_TRIES = 12


@dataclass
class Hub:
    """One for each job that advances runs; ``more`` claims further ones, as many as it is told."""

    more: Callable[[int], list[claims.Claim]]
    is_stopping: Callable[[], bool] = lambda: False
    threads: StepThreads = field(default_factory=StepThreads)

    def __post_init__(self) -> None:
        self.greenlet, self.clock = getcurrent(), clock
        self.executions: dict[str, Execution] = {}
        self._ready: deque[tuple[Branch, Any]] = deque()
        self._records = Recorder()
        self._idle: list[Execution] = []
        self._ended: list[Execution] = []
        self._over: list[Execution] = []
        self._ended_at = 0.0
        self._in_threads: dict[Branch, tuple[Performable, float | None]] = {}
        self._looked_at = self._asked_at = self._began_at = time.monotonic()

    # --- the loop -------------------------------------------------------------------------------------
    def run(self, claimed: Iterable[claims.Claim]) -> None:
        """Advance these runs, and what else is ready, until all are suspended, ended or given back."""
        self._begin_all(claimed)
        try:
            while self.executions or self._take_more():
                self._round()
        finally:
            self.threads.close()
            self._records.close()

    def _round(self) -> None:
        self._go_on()
        while self._over:
            execution = self._over.pop()
            if execution.over is not None:
                self._unwind(execution, execution.over)
        if self._records.is_busy:
            self._take(self._records.flush(others=bool(self._ready)))
        if self._idle:
            self._rest()
        if self._ended and (not self._ready or time.monotonic() - self._ended_at > LINGER_SECONDS):
            self._finish()
        if self._in_threads:
            self._hear_threads()
        self._look()

    def _go_on(self) -> None:
        """Let all branches go on that can; of many the first half, whose records are written meanwhile."""
        left = 0 if self._records.is_ahead else len(self._ready) // 2
        left = left if left >= LEAST_AHEAD else 0
        while len(self._ready) > left:
            branch, value = self._ready.popleft()
            # One that was unwound meanwhile goes on no more.
            if not branch.dead:
                branch.switch(value) if not isinstance(value, _Raise) else branch.throw(value.error)

    def _begin_all(self, claimed: Iterable[claims.Claim]) -> None:
        for claim in claimed:
            if claim.problem is not None:
                self._end_at_once(claim)
                continue
            execution = Execution(self, claim.run, claim.history, claim.function)
            self.executions[execution.id] = execution
            self.make_ready(execution.main)

    def _take_more(self) -> bool:
        room = CAPACITY - len(self.executions)
        is_tired = not self._in_threads and time.monotonic() - self._began_at > SHIFT_SECONDS
        if room <= 0 or is_tired or self.is_stopping():
            return False
        claimed = patiently(lambda: self.more(room))
        self._begin_all(claimed)
        return bool(claimed)

    def _look(self) -> None:
        """Look from time to time for runs that were cancelled, and for others; give back at the end."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        if not self.executions:
            return
        if now - self._asked_at > ASK_SECONDS:
            self._asked_at = now
            cancelled = patiently(lambda: statements.cancelled_of(list(self.executions)))
            for run_id in cancelled:
                self._unwind(self.executions[run_id], Cancelled())
        if self.is_stopping():
            for execution in list(self.executions.values()):
                self._unwind(execution, Released())
        elif self._in_threads:
            self._take_more()

    # --- called by branches and executions --------------------------------------------------------------
    def on_end_of_history(self, branch: Branch, kind: str, label: str) -> None:
        """From here on it acts."""

    def make_ready(self, branch: Branch, value: Any = None) -> None:
        self._ready.append((branch, value))

    def write(self, branch: Branch, row: StepRow, *, ends_wait: bool) -> None:
        self._records.add(branch, row, ends_wait=ends_wait)

    def run_in_thread(self, branch: Branch, step: Performable, function: Any) -> None:
        timeout = step.rules.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        self._in_threads[branch] = (step, deadline)
        self.threads.run(branch, copy_context(), function)

    def perform_atomically(
        self,
        function: Callable[[], Any],
        row: Callable[[str], StepRow],
        *,
        what: str,
        ends_wait: bool,
    ) -> tuple[Any, str]:
        """In the thread of the step, on its connection: both the step's own rows and its record.

        It is tried again, ATOMIC_TRIES in all, while the database is away: then nothing of it counts.
        """
        tries = 0
        while True:
            made: StepRow | None = None
            try:
                with transaction.atomic():
                    value = function()
                    text = encode(value, what)
                    made = row(text)
                    if statements.insert_steps([made]) != 1:
                        raise Fenced
                    if ends_wait:
                        statements.delete_waits([made])
            except (InterfaceError, OperationalError) as error:
                tries += 1
                if made is not None and patiently(partial(statements.is_recorded, made)):
                    # The commit has counted, and its answer was lost.
                    return value, text
                if tries == ATOMIC_TRIES or not jobs.will_pass(error):
                    raise
                connection.close()
                time.sleep(pause_after(tries))
            else:
                return value, text

    def on_idle(self, execution: Execution) -> None:
        self._idle.append(execution)

    def on_ended(self, execution: Execution) -> None:
        if not self._ended:
            self._ended_at = time.monotonic()
        self._ended.append(execution)

    def on_over(self, execution: Execution) -> None:
        """A branch was unwound; the others follow, which is not the branch's own business."""
        if execution.id in self.executions:
            self._over.append(execution)

    # --- the rounds' statements -------------------------------------------------------------------------
    def _take(self, landed: Landed) -> None:
        """Go on with what is recorded."""
        for branch, row in landed.written:
            if row.run_id in landed.fenced:
                if row.run_id in self.executions:
                    self._unwind(self.executions[row.run_id], Fenced())
            else:
                self._ready.append((branch, row.value))

    def _rest(self) -> None:
        """Runs of which all branches are parked: end the waits that can be ended, suspend the others."""
        idle = [one for one in self._idle if one.over is None and not one.active]
        self._idle = []
        resting: list[Execution] = []
        for execution, answers in zip(idle, waiting.settle(idle, self.clock.now()), strict=True):
            for branch, answer in answers:
                self._end_wait(execution, branch, answer)
            if not answers:
                resting.append(execution)
        if resting:
            self._suspend(resting)

    def _end_wait(self, execution: Execution, branch: Branch, answer: waiting.Answer) -> None:
        parked = execution.unpark(branch)
        if parked.kind == waiting.BACKOFF:
            # The wait stays, with the number of attempts, until the step has an outcome.
            self._ready.append((branch, answer.text))
            return
        row = StepRow(
            execution.id,
            execution.epoch,
            execution.take_number(),
            branch.path,
            parked.label,
            parked.kind,
            parked.digest,
            False,  # noqa: FBT003
            answer.text,
            1,
            time.time(),
            0.0,
        )
        if answer.event is not None:
            self._take_event(execution, branch, row, answer.event)
            return
        self.write(branch, row, ends_wait=parked.is_stored)

    def _take_event(self, execution: Execution, branch: Branch, row: StepRow, event: int) -> None:
        """The event is this run's and the wait over, in one transaction; or somebody was faster."""
        taken = patiently(lambda: statements.take_event(row, event))
        if taken is Taken.YES:
            self._ready.append((branch, row.value))
        elif taken is Taken.FENCED:
            self._unwind(execution, Fenced())
        else:
            execution.park_again(branch)

    def _suspend(self, executions: Sequence[Execution]) -> None:
        waits = [
            _wait_row(execution, branch, parked)
            for execution in executions
            for branch, parked in execution.parked.items()
            if not parked.is_stored
        ]
        marks = [(execution.id, execution.epoch) for execution in executions]
        suspended = patiently(lambda: statements.suspend(marks, waits))
        for execution in executions:
            self._unwind(execution, Suspended() if execution.id in suspended else Fenced())
        # What came while the waits were on their way into the database was not told of them.
        told = [row.run_id for row in waits if row.kind != waiting.TIME and row.key is not None]
        if told:
            waiting.look_again(told)

    def _finish(self) -> None:
        ended, self._ended = self._ended, []
        rows = [_end_row(execution) for execution in ended if execution.over is None]
        counted = patiently(lambda: statements.finish(rows))
        for execution in ended:
            self.executions.pop(execution.id, None)
            if execution.over is None and execution.id not in counted.ended:
                self._conclude(execution.id, execution.epoch)
        waiting.advance_later(counted.woken)

    def _conclude(self, run_id: str, epoch: int) -> bool:
        """A run that did not end as it wanted to: cancelled at that moment, or another process's."""
        return patiently(lambda: cancelling.conclude(run_id, epoch))

    def _unwind(self, execution: Execution, why: Unwinding) -> None:
        """The run leaves this hub, for the reason that was first."""
        if self.executions.pop(execution.id, None) is None:
            return
        execution.end(why)
        execution.unwind()
        over = execution.over
        if isinstance(over, Cancelled):
            self._conclude(execution.id, execution.epoch)
        elif isinstance(over, Released):
            patiently(lambda: statements.release(execution.id, execution.epoch))
            waiting.advance_later([execution.id])
        elif isinstance(over, Fenced):
            self._let_go(execution)
        elif isinstance(over, (Mismatch, Stopped, ContinuedAsNew)):
            if isinstance(over, Mismatch):
                self._tell_blocked(execution.run, over)
            counted = patiently(lambda: statements.finish([_end_row(execution)]))
            waiting.advance_later(counted.woken)

    def _let_go(self, execution: Execution) -> None:
        """Mostly the run is another's. Where it is not, its row and its history say how it goes on."""
        if self._conclude(execution.id, execution.epoch):
            return
        if patiently(lambda: statements.release(execution.id, execution.epoch)):
            waiting.advance_later([execution.id])

    def _end_at_once(self, claim: claims.Claim) -> None:
        """A run whose workflow is not known here, or whose secrets cannot be opened."""
        run, problem = claim.run, str(claim.problem)
        self._tell_blocked(run, problem)
        row = EndRow(
            run.id,
            run.epoch,
            RunState.BLOCKED.value,
            error=problem,
            blocked_code=claims.code_of(run.workflow),
        )
        patiently(lambda: statements.finish([row]))

    def _tell_blocked(self, run: ClaimedRun, why: object) -> None:
        log.error("Run %s of %s is blocked: %s", run.id, run.workflow, why)

    # --- threads ----------------------------------------------------------------------------------------
    def _hear_threads(self) -> None:
        """Take what threads have done; wait for it where there is nothing else to do."""
        is_busy = bool(
            self._ready or self._records.is_busy or self._idle or self._ended or self._over
        )
        while self._in_threads:
            try:
                done = self.threads.hear(block=not is_busy, timeout=self._patience())
            except Empty:
                break
            is_busy = True
            self._on_done(*done)
        self._end_overdue()

    def _on_done(self, branch: Branch, value: Any, error: Any, seconds: float) -> None:
        known = self._in_threads.pop(branch, None)
        if known is None or branch.dead:
            return
        known[0].pace.learn(seconds)
        self._ready.append((branch, value if error is None else _Raise(error)))

    def _patience(self) -> float:
        return LOOK_SECONDS

    def _end_overdue(self) -> None:
        now = time.monotonic()
        late = [
            (branch, step)
            for branch, (step, deadline) in self._in_threads.items()
            if deadline is not None and now > deadline
        ]
        for branch, step in late:
            # Its thread goes on, and what it comes to counts no more.
            del self._in_threads[branch]
            error = StepTimeoutError(step.name, step.rules.timeout or 0.0)
            self._ready.append((branch, _Raise(error)))


@dataclass(frozen=True)
class _Raise:
    error: BaseException


def _wait_row(execution: Execution, branch: Branch, parked: Parked) -> WaitRow:
    return WaitRow(
        execution.id,
        execution.epoch,
        branch.path,
        parked.label,
        parked.kind,
        parked.key,
        parked.attempts,
        parked.error,
        parked.due_at,
    )


def _end_row(execution: Execution) -> EndRow:
    """How a run ends whose main branch is done, or that was stopped."""
    # Its context knows its secrets.
    return execution.context.run(_end_row_of, execution)


def _end_row_of(execution: Execution) -> EndRow:
    over, error = execution.over, execution.main.error
    mark = (execution.id, execution.epoch)
    if isinstance(over, ContinuedAsNew):
        return EndRow(*mark, RunState.READY.value, result=over.args_text)
    if isinstance(over, Mismatch):
        code = claims.code_of(execution.run.workflow)
        return EndRow(*mark, RunState.BLOCKED.value, error=str(over), blocked_code=code)
    if isinstance(over, Stopped):
        error = over.error
    if error is None:
        try:
            text = encode(execution.main.value, "The result of the workflow")
        except (NotJsonError, TooLargeError) as refused:
            error = refused
        else:
            return EndRow(*mark, RunState.SUCCESS.value, result=text)
    return EndRow(
        *mark,
        RunState.FAILURE.value,
        error=_clean(str(error)) or type(error).__name__,
        error_type=type(error).__name__,
        traceback=_clean("".join(traceback.format_exception(error))),
    )


def _clean(text: str) -> str:
    """Without secrets; and PostgreSQL takes no NUL, and no half of a surrogate pair."""
    return jobs.mask_text(text).replace("\0", "").encode(errors="replace").decode()
