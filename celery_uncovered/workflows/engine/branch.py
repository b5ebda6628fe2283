"""One line of execution within a run: its main one, or one of a ``gather``.

A branch is a greenlet. It asks the history first; where that ends it acts, has the hub record the
outcome, and goes on when the record is durable.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import recorded_errors
from celery_uncovered.workflows.engine.history import Record
from celery_uncovered.workflows.engine.rows import StepRow
from celery_uncovered.workflows.engine.rules import Performable
from celery_uncovered.workflows.engine.unwinding import Mismatch, Unwinding
from celery_uncovered.workflows.errors import InsideAStepError, NotInARunError
from celery_uncovered.workflows.values import as_recorded, decode, digest, encode

if TYPE_CHECKING:
    from celery_uncovered.workflows.engine.execution import Execution

STEP = "step"

#: The id of the step that this thread performs.
_thread_step: ContextVar[str | None] = ContextVar("workflow_step", default=None)


@dataclass(frozen=True, kw_only=True)
class Parked:
    """What a branch is parked on. ``is_stored``: the database has just this wait."""

    label: str
    kind: str
    digest: str = ""
    key: str | None = None
    due_at: datetime | None = None
    attempts: int = 0
    error: str = ""
    is_stored: bool = False


class Branch(greenlet):  # type: ignore[misc]  # it has no types
    """``path`` tells it from the run's other branches, in every replay the same."""

    def __init__(self, execution: "Execution", path: str, function: Callable[[], Any]) -> None:
        super().__init__(self._live, execution.hub.greenlet)
        self.execution, self.path, self.function = execution, path, function
        self._records: list[Record] = execution.history.of(path)
        self._replayed = 0
        self._counts: dict[str, int] = {}
        #: The step that runs in this very greenlet, and its label.
        self.step: Performable | None = None
        self.step_label = ""
        self.value: Any = None
        self.error: BaseException | None = None
        #: The branch that gathers this one.
        self.gatherer: Branch | None = None
        self._awaited = 0
        #: What ends the run's scope, where it has one; it holds only while this branch goes on.
        self._scope: ExitStack | None = None

    def _live(self, _: Any = None) -> None:
        try:
            if self.execution.run.scope is not None:
                self._enter_scope()
            self.value = self.function()
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the branch's outcome
            self.error = error
        if self._scope is not None:
            self._scope.close()
        self.execution.on_ended(self)

    def _enter_scope(self) -> None:
        self._scope = ExitStack()
        self._scope.enter_context(jobs.scope.entered(self.execution.run.scope))

    # --- what is recorded ---------------------------------------------------------------------------
    def label(self, name: str) -> str:
        """``name`` with its occurrence in this branch, from 1."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return f"{name}#{count}"

    def replayed(self, kind: str, label: str, mark: str) -> Record | None:
        """What the history has here; None where it ends. Unwinds where it has something else."""
        if self._replayed >= len(self._records):
            self.execution.check_length()
            self.execution.hub.on_end_of_history(self, kind, label)
            return None
        record = self._records[self._replayed]
        if record.label != label or record.kind != kind or record.digest != mark:
            raise self.execution.end(Mismatch(_difference(record, kind, label)))
        self._replayed += 1
        return record

    def is_replaying(self) -> bool:
        return self._replayed < len(self._records)

    def upcoming(self) -> Record | None:
        """The next thing that the history has of this branch."""
        return self._records[self._replayed] if self.is_replaying() else None

    def record(
        self,
        kind: str,
        label: str,
        mark: str,
        text: str,
        *,
        is_error: bool = False,
        attempts: int = 1,
        seconds: float = 0.0,
        ends_wait: bool = False,
        number: int | None = None,
    ) -> None:
        """Return when this is durable; unwind where the run is another process's by now.

        ``number`` is given where one was taken before.
        """
        execution = self.execution
        row = StepRow(
            execution.id,
            execution.epoch,
            execution.take_number() if number is None else number,
            self.path,
            label,
            kind,
            mark,
            is_error,
            text,
            attempts,
            time.time(),
            seconds,
        )
        execution.hub.write(self, row, ends_wait=ends_wait)
        self.leave()

    def leave(self) -> Any:
        """Let the others run until the hub comes back to this branch, with a value or an error."""
        if self._scope is None:
            return self.parent.switch()
        # Not every adapter keeps what it applies in a context variable: the others must not see it.
        self._scope.close()
        try:
            return self.parent.switch()
        finally:
            self._enter_scope()

    def noted(self, kind: str, name: str, make: Callable[[], Any]) -> Any:
        """What ``make`` gave the first time: the clock, chance, and what else is asked for once."""
        execution = self.execution
        execution.check()
        label = self.label(name)
        record = self.replayed(kind, label, "")
        if record is not None:
            return record.outcome()
        value = make()
        text = encode(value, name)
        self.record(kind, label, "", text)
        return as_recorded(value, text)

    # --- steps ----------------------------------------------------------------------------------------
    def perform(self, step: Performable, args: tuple[Any, ...], kwargs: Any) -> Any:
        """A step's outcome: the recorded one, or that of performing it now."""
        self.execution.check()
        label, mark = self.label(step.name), digest(args, kwargs)
        record = self.replayed(STEP, label, mark)
        if record is not None:
            return record.outcome()
        stored = self.execution.history.waits.get((self.path, label))
        # All attempts at an atomic step are one row: whichever commits first, the others cannot.
        number = self.execution.take_number() if step.rules.atomic else None
        attempt = 0
        if stored is not None:
            attempt = stored.attempts
            self._pause(
                Parked(
                    label=label,
                    kind="backoff",
                    due_at=stored.due_at,
                    attempts=attempt,
                    error=stored.error,
                    is_stored=True,
                )
            )
        while True:
            attempt += 1
            try:
                return self._attempt(step, label, mark, args, kwargs, attempt, number)
            except _Again as again:
                self._pause(
                    Parked(
                        label=label,
                        kind="backoff",
                        due_at=self.execution.hub.clock.in_seconds(again.pause),
                        attempts=attempt,
                        error=again.sentence,
                    )
                )

    def _attempt(
        self,
        step: Performable,
        label: str,
        mark: str,
        args: tuple[Any, ...],
        kwargs: Any,
        attempt: int,
        number: int | None,
    ) -> Any:
        started = time.perf_counter()
        # An earlier attempt has left a wait behind, in the database or on its way there.
        ends_wait = attempt > 1
        try:
            if number is not None:
                return self._perform_atomically(step, label, mark, args, kwargs, attempt, number)
            value = self._call(step, label, lambda: step.function(*args, **kwargs))
            text = encode(value, f'The result of step "{step.name}"')
        except Unwinding:
            raise
        except Exception as error:
            if step.rules.is_retried(error, attempt):
                raise _Again(step.rules.pause_for(error, attempt), error) from error
            self.record(
                STEP,
                label,
                mark,
                recorded_errors.text_of(error),
                is_error=True,
                attempts=attempt,
                seconds=time.perf_counter() - started,
                ends_wait=ends_wait,
                number=number,
            )
            raise
        self.record(
            STEP,
            label,
            mark,
            text,
            attempts=attempt,
            seconds=time.perf_counter() - started,
            ends_wait=ends_wait,
        )
        return as_recorded(value, text)

    def _perform_atomically(
        self,
        step: Performable,
        label: str,
        mark: str,
        args: tuple[Any, ...],
        kwargs: Any,
        attempt: int,
        number: int,
    ) -> Any:
        """Perform the step and record its value in one transaction, which nothing else is part of."""
        execution, started = self.execution, time.perf_counter()

        def row(text: str) -> StepRow:
            return StepRow(
                execution.id,
                execution.epoch,
                number,
                self.path,
                label,
                STEP,
                mark,
                False,  # noqa: FBT003
                text,
                attempt,
                time.time(),
                time.perf_counter() - started,
            )

        value, text = self._call(
            step,
            label,
            lambda: execution.hub.perform_atomically(
                lambda: step.function(*args, **kwargs),
                row,
                what=f'The result of step "{step.name}"',
                ends_wait=attempt > 1,
            ),
        )
        return as_recorded(value, text)

    def _call(self, step: Performable, label: str, function: Callable[[], Any]) -> Any:
        """Run ``function`` here where the step is known to be quick, else in a thread of its own."""
        self.step_label = label
        if not step.pace.is_quick or step.rules.timeout is not None:
            function = partial(_named, self.step_id(), function)
            if self._scope is not None:
                function = partial(_in_scope, self.execution.run.scope, function)
            self.execution.hub.run_in_thread(self, step, function)
            return self.leave()
        self.step, started = step, time.perf_counter()
        try:
            return function()
        finally:
            self.step = None
            step.pace.learn(time.perf_counter() - started)

    def step_id(self) -> str:
        """Of the step that it performs: where the history begins, since labels come again after that."""
        run = self.execution.run
        return f"{run.id}/{run.history_from}/{self.path}{self.step_label}"

    # --- waits ----------------------------------------------------------------------------------------
    def wait(
        self, kind: str, name: str, *, mark: str, key: str | None, due_at: Callable[[], Any]
    ) -> Any:
        """Wait for a time, an event or a child; the recorded value. ``due_at`` is asked the first time."""
        execution = self.execution
        execution.check()
        label = self.label(name)
        record = self.replayed(kind, label, mark)
        if record is not None:
            return record.outcome()
        stored = execution.history.waits.get((self.path, label))
        parked = Parked(
            label=label,
            kind=kind,
            digest=mark,
            key=key,
            due_at=due_at() if stored is None else stored.due_at,
            is_stored=stored is not None,
        )
        return decode(execution.park(self, parked))

    def _pause(self, parked: Parked) -> None:
        self.execution.park(self, parked)

    # --- branches -------------------------------------------------------------------------------------
    def gather(self, functions: Sequence[Callable[[], Any]]) -> list["Branch"]:
        """Run ``functions`` side by side, each in a branch; the branches, when all have ended."""
        execution = self.execution
        execution.check()
        label = self.label("gather")
        branches = [
            Branch(execution, f"{self.path}{label}.{index}/", function)
            for index, function in enumerate(functions)
        ]
        if branches:
            self._awaited = len(branches)
            for branch in branches:
                branch.gatherer = self
                branch.gr_context = copy_context()
            execution.branch_out(branches)
            self.leave()
        return branches

    def on_gathered_ended(self) -> bool:
        """One of its branches has ended; True if it was the last."""
        self._awaited -= 1
        return self._awaited == 0


class _Again(Exception):  # noqa: N818  # no error: the step is tried again
    def __init__(self, pause: float, error: Exception) -> None:
        self.pause = pause
        words = jobs.mask_text(f"{type(error).__name__}: {error}")
        self.sentence = words.replace("\0", "")[:500]
        super().__init__()


def _named(step_id: str, function: Callable[[], Any]) -> Any:
    """In a thread, in a context of its own, which ends with it."""
    _thread_step.set(step_id)
    return function()


def _in_scope(scope: str | None, function: Callable[[], Any]) -> Any:
    """In a thread, which is in nobody's scope but for what its context has of it."""
    with jobs.scope.entered(scope):
        return function()


def current_branch() -> Branch | None:
    """The branch that is running; None outside of a run, and within a step."""
    branch = getcurrent()
    if type(branch) is Branch and branch.step is None:
        return branch
    return None


def current_step_id() -> str | None:
    """The id of the step that is performed here; None outside of a step of a run."""
    branch = getcurrent()
    if type(branch) is not Branch:
        return _thread_step.get()
    return branch.step_id() if branch.step is not None else None


def branch_for(what: str) -> Branch:
    """The branch that is running. Raises NotInARunError or InsideAStepError for ``what``."""
    branch = getcurrent()
    if type(branch) is not Branch:
        raise NotInARunError(what)
    if branch.step is not None:
        raise InsideAStepError(what, branch.step.name)
    return branch


def _difference(record: Record, kind: str, label: str) -> str:
    """In one sentence what the history has, and what the code does instead."""
    where = f' (in branch "{record.branch}")' if record.branch else ""
    if record.label == label and record.kind == kind:
        return f'The history has "{label}"{where} with other arguments than the code calls it with.'
    return (
        f'The history goes on with {record.kind} "{record.label}"{where};'
        f' the code goes on with {kind} "{label}".'
    )
