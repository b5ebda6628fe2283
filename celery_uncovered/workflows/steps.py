"""Steps: functions whose outcome a run records, so that it is never asked for again."""

from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar, overload

from celery_uncovered.workflows.engine.branch import Branch, current_branch
from celery_uncovered.workflows.engine.pace import Pace
from celery_uncovered.workflows.engine.rules import Rules

P = ParamSpec("P")
R = TypeVar("R")


class Step(Generic[P, R]):
    """A function with a record. Outside of a run, and within another step, it is just the function."""

    def __init__(self, function: Callable[P, R], *, name: str, rules: Rules) -> None:
        update_wrapper(self, function)
        self.function, self.name, self.rules = function, name, rules
        self.pace = Pace()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        branch: Branch | None = current_branch()
        if branch is None:
            return self.function(*args, **kwargs)
        result: R = branch.perform(self, args, kwargs)
        return result

    def __repr__(self) -> str:
        return f"<step {self.name}>"


@overload
def step(function: Callable[P, R]) -> Step[P, R]: ...
@overload
def step(
    *,
    name: str = "",
    retries: int = 0,
    backoff: float | timedelta = 1.0,
    factor: float = 2.0,
    longest: float | timedelta = 3600.0,
    timeout: float | timedelta | None = None,
    retry_on: tuple[type[Exception], ...] = (Exception,),
    atomic: bool = False,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(
    function: Callable[P, R] | None = None,
    *,
    name: str = "",
    retries: int = 0,
    backoff: float | timedelta = 1.0,
    factor: float = 2.0,
    longest: float | timedelta = 3600.0,
    timeout: float | timedelta | None = None,
    retry_on: tuple[type[Exception], ...] = (Exception,),
    atomic: bool = False,
) -> Step[P, R] | Callable[[Callable[P, R]], Step[P, R]]:
    """Make a function a step, with ``Rules``; times are seconds or timedeltas.

    An error with a number as ``retry_after`` is tried again after so many seconds at the soonest.

    An ``atomic`` step runs in a database transaction that commits its record as well: both or
    neither. What else it does may be done again after a crash, as with every step.
    """
    rules = Rules(
        retries=retries,
        backoff=seconds_of(backoff),
        factor=factor,
        longest=seconds_of(longest),
        timeout=None if timeout is None else seconds_of(timeout),
        retry_on=retry_on,
        atomic=atomic,
    )

    def define(function: Callable[P, R]) -> Step[P, R]:
        return Step(function, name=name or function.__name__, rules=rules)

    return define if function is None else define(function)


def seconds_of(time: float | timedelta) -> float:
    return time.total_seconds() if isinstance(time, timedelta) else float(time)
