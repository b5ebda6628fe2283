"""What a project writes: workflows and steps, found again by their names."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from hashlib import blake2b
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from celery_uncovered.workflows.errors import NameTakenError, UnknownWorkflowError

P = ParamSpec("P")
R = TypeVar("R")
#: What becomes of a key whose run has ended.
Afterwards = Literal["start", "return", "refuse"]

_workflows: dict[str, "Workflow[Any, Any]"] = {}


class Workflow(Generic[P, R]):
    """A durable function. Called as a function it is one: within a run its steps are the caller's."""

    def __init__(self, function: Callable[P, R], *, name: str, queue: str) -> None:
        update_wrapper(self, function)
        self.function, self.name, self.queue = function, name, queue

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    def keyed(self, key: str, *, afterwards: Afterwards = "start") -> "Keyed[P, R]":
        """What ``start`` takes for a run under a ``key``: while one with the same key lives, it is that one.

        ``afterwards`` says what becomes of a key whose run has ended: another run starts, the ended
        one is returned, or KeyTakenError is raised.
        """
        return Keyed(workflow=self, key=key, afterwards=afterwards)

    @cached_property
    def code(self) -> str:
        """Tells this code from another version of it: a hash of the module that it stands in."""
        try:
            module = inspect.getmodule(self.function)
            source = inspect.getsource(module or self.function)
        except (OSError, TypeError):
            source = self.function.__code__.co_code.hex()
        return blake2b(source.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Keyed(Generic[P, R]):
    """A workflow with the key that a run of it is to have."""

    workflow: Workflow[P, R]
    key: str
    afterwards: Afterwards


@overload
def workflow(function: Callable[P, R]) -> Workflow[P, R]: ...
@overload
def workflow(
    *, name: str = "", queue: str = "default"
) -> Callable[[Callable[P, R]], Workflow[P, R]]: ...
def workflow(
    function: Callable[P, R] | None = None, *, name: str = "", queue: str = "default"
) -> Workflow[P, R] | Callable[[Callable[P, R]], Workflow[P, R]]:
    """Make a function durable; its name is that of its module and itself unless one is given.

    Runs find their function by the name: keep it when the function moves. Raises NameTakenError.
    """

    def define(function: Callable[P, R]) -> Workflow[P, R]:
        made = Workflow(function, name=name or _name_of(function), queue=queue)
        known = _workflows.get(made.name)
        # A module that is imported anew defines the same again.
        if known is not None and _name_of(known.function) != _name_of(function):
            kind = "Workflow"
            raise NameTakenError(kind, made.name)
        _workflows[made.name] = made
        return made

    return define if function is None else define(function)


def find_workflow(name: str) -> Workflow[Any, Any]:
    """Raises UnknownWorkflowError."""
    try:
        return _workflows[name]
    except KeyError:
        raise UnknownWorkflowError(name) from None


def known_workflows() -> dict[str, Workflow[Any, Any]]:
    return dict(_workflows)


def _name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
