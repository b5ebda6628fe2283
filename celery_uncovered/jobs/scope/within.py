"""A job in its scope, in a worker: nothing of it is left behind, nor of what its task left."""

import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from celery_uncovered.jobs.errors import ScopeNotAppliedError
from celery_uncovered.jobs.scope.declared import declared
from celery_uncovered.jobs.scope.live import NOTHING, Scope, apply, live
from celery_uncovered.jobs.scope.text import decode

Result = TypeVar("Result")


class Scoped(Protocol):
    """What runs: ``scope`` is its header, ``obstacle`` what keeps it from running in it."""

    scope: str | None
    obstacle: Exception | None


class _Clean(threading.local):
    """The marks of this thread while it is in nobody's scope; None when it must be set back first.

    An exception that comes from outside, a soft time limit, may come in the midst of setting back.
    """

    marks: list[Any] | None = None


_clean = _Clean()


def within(job: Scoped, call: Callable[[], Result]) -> Result:
    """What ``call`` returns in the scope of ``job``; in nobody's where it has none."""
    if _clean.marks is None or live.get() is not NOTHING:
        _set_back()
    if job.scope is not None:
        return _in_scope(job, job.scope, call)
    try:
        return call()
    finally:
        if live.get() is not NOTHING or _marks() != _clean.marks:
            _set_back()


def _in_scope(job: Scoped, header: str, call: Callable[[], Result]) -> Result:
    _clean.marks = None
    try:
        _enter(job, header)
        return call()
    finally:
        _set_back()


def _enter(job: Scoped, header: str) -> None:
    values = decode(header)
    live.set(Scope(values, header if values else None))
    try:
        for name, adapter in declared().adapters:
            if (value := values.get(name)) is not None:
                apply(name, adapter, value)
    except ScopeNotAppliedError as error:
        # The task fails of it, as of an error of its own.
        job.obstacle = error


def _set_back() -> None:
    _clean.marks = None
    live.set(NOTHING)
    for _, adapter in declared().adapters:
        if adapter.seen() is not None:
            adapter.apply(None)
    _clean.marks = _marks()


def _marks() -> list[Any]:
    return [mark() for mark in declared().marks]
