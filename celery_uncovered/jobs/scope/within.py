"""A job in its scope, in a worker: nothing of it is left behind, nor of what its task left."""

import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from celery_uncovered.jobs.errors import ScopeNotAppliedError
from celery_uncovered.jobs.scope.declared import declared
from celery_uncovered.jobs.scope.live import NOTHING, Scope, apply, live
from celery_uncovered.jobs.scope.text import as_text, decode

Result = TypeVar("Result")


class Scoped(Protocol):
    """What runs: ``scope`` is its header as it came, ``obstacle`` what keeps it from running in it."""

    scope: Any
    obstacle: Exception | None


#: Each adapter's ``mark``, and what it gave in nobody's scope.
Marks = list[tuple[Callable[[], Any], Any]]


class _Clean(threading.local):
    """The marks of this thread in nobody's scope; None when it must be set back first.

    An exception that comes from outside, a soft time limit, may come in the midst of setting back.
    """

    marks: Marks | None = None


_clean = _Clean()


def within(job: Scoped, call: Callable[[], Result]) -> Result:
    """What ``call`` returns in the scope of ``job``; in nobody's where it has none."""
    marks = _clean.marks
    if marks is None or live.get() is not NOTHING:
        marks = _set_back()
    if job.scope is not None:
        return _in_scope(job, call)
    try:
        return call()
    finally:
        is_left = live.get() is not NOTHING
        for mark, before in marks:
            if mark() != before:
                is_left = True
        if is_left:
            _set_back()


def _in_scope(job: Scoped, call: Callable[[], Result]) -> Result:
    _clean.marks = None
    try:
        _enter(job)
        return call()
    finally:
        _set_back()


def _enter(job: Scoped) -> None:
    values = decode(job.scope)
    live.set(Scope(values, as_text(job.scope) if values else None))
    try:
        for name, adapter in declared().adapters:
            if (value := values.get(name)) is not None:
                apply(name, adapter, value)
    except ScopeNotAppliedError as error:
        # The task fails of it, as of an error of its own.
        job.obstacle = error


def _set_back() -> Marks:
    _clean.marks = None
    live.set(NOTHING)
    for _, adapter in declared().adapters:
        if adapter.seen() is not None:
            adapter.apply(None)
    _clean.marks = marks = [(mark, mark()) for mark in declared().marks]
    return marks
