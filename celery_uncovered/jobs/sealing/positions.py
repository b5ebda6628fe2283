"""Which positional arguments of a task are secrets: those whose parameters have secret names."""

from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

from celery import current_app

from celery_uncovered.jobs.masking import is_secret_name
from celery_uncovered.jobs.masking.names import added_words

NONE: frozenset[int] = frozenset()
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def secret_positions(task: Any) -> frozenset[int]:
    """The positions, from 0, of a task (or of one by its name, if it is known in this process)."""
    if isinstance(task, str):
        task = current_app.tasks.get(task)
    run = getattr(task, "run", None)
    return NONE if run is None else positions_of(run)


def positions_of(function: Callable[..., Any]) -> frozenset[int]:
    """The positions, from 0, of the secret parameters of a function."""
    return _positions(function, added_words())


@lru_cache(maxsize=4096)
def _positions(run: Callable[..., Any], _: tuple[tuple[str, ...], ...]) -> frozenset[int]:
    """Once for each task, and again when the setting changes that adds names."""
    try:
        parameters = signature(run).parameters.values()
    except (TypeError, ValueError):
        return NONE
    return frozenset(
        position
        for position, parameter in enumerate(parameters)
        if parameter.kind in _POSITIONAL and is_secret_name(parameter.name)
    )
