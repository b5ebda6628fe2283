"""What a workflow calls, beside its steps."""

import random as chance
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn, TypeVar, overload

from celery_uncovered.workflows.definitions import find_workflow
from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.engine.branch import branch_for, current_step_id
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.engine.unwinding import ContinuedAsNew
from celery_uncovered.workflows.steps import seconds_of
from celery_uncovered.workflows.values import encode_call

T = TypeVar("T")


def sleep(time: float | timedelta) -> None:
    """Wait so many seconds; a restart does not begin anew."""
    branch = branch_for("sleep()")
    seconds = seconds_of(time)
    branch.wait(waiting.TIME, "sleep", mark="", key=None, due_at=lambda: clock.in_seconds(seconds))


def sleep_until(moment: datetime) -> None:
    branch = branch_for("sleep_until()")
    branch.wait(waiting.TIME, "sleep_until", mark="", key=None, due_at=lambda: moment)


def wait_for_event(key: str, *, timeout: float | timedelta | None = None) -> Any:
    """The payload of the next event with this key since the run began; None when the time is up."""
    branch = branch_for("wait_for_event()")
    seconds = None if timeout is None else seconds_of(timeout)
    answer = branch.wait(
        waiting.EVENT,
        f"event {key}"[:200],
        mark="",
        key=key,
        due_at=lambda: None if seconds is None else clock.in_seconds(seconds),
    )
    return None if answer is None else answer[0]


@overload
def gather(*functions: Callable[[], T], return_exceptions: Literal[False] = False) -> list[T]: ...
@overload
def gather(*functions: Callable[[], T], return_exceptions: bool) -> list[T | BaseException]: ...
def gather(*functions: Callable[[], T], return_exceptions: bool = False) -> list[Any]:
    """Call ``functions`` side by side; their results in their order.

    All are waited for. Then the first error, in the order of the functions, is raised, unless it is
    to be returned in its place.
    """
    branches = branch_for("gather()").gather(functions)
    results: list[Any] = []
    for branch in branches:
        if branch.error is None:
            results.append(branch.value)
        elif return_exceptions:
            results.append(branch.error)
        else:
            raise branch.error
    return results


def now() -> datetime:
    """The time, the same in each replay."""
    moment: datetime = branch_for("now()").noted("now", "now", clock.now)
    return moment


def uuid4() -> uuid.UUID:
    value: uuid.UUID = branch_for("uuid4()").noted("uuid4", "uuid4", uuid.uuid4)
    return value


def random() -> float:
    """A number from 0 to 1."""
    value: float = branch_for("random()").noted("random", "random", chance.random)
    return value


def set_value(name: str, value: Any) -> None:
    """Show a value of the run to those who ask with ``query``."""
    branch_for("set_value()").noted("value", name, lambda: value)


def patched(change: str) -> bool:
    """Whether the run takes the new path: those that passed here before the change do not."""
    branch = branch_for("patched()")
    branch.execution.check()
    upcoming = branch.upcoming()
    if upcoming is not None and upcoming.kind != "patch":
        return False
    return bool(branch.noted("patch", change, lambda: True))


def continue_as_new(*args: Any, **kwargs: Any) -> NoReturn:
    """End this run's history and begin again with these arguments, as the same run."""
    execution = branch_for("continue_as_new()").execution
    execution.check()
    function = find_workflow(execution.run.workflow).function
    text = encode_call(function, args, kwargs, "The arguments of continue_as_new")
    raise execution.end(ContinuedAsNew(text))


def run_id() -> str:
    return branch_for("run_id()").execution.id


def step_id() -> str | None:
    """The id of the step that calls this: no other has it, and every attempt has the same.

    For the outside world, which can then tell a repeated step from a new one. None outside of a run.
    """
    return current_step_id()
