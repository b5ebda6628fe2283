"""The scope that holds here and now: asked for, set for a while, captured for what is submitted."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from celery_uncovered.jobs.errors import ScopeNotAppliedError
from celery_uncovered.jobs.scope.adapters import Adapter
from celery_uncovered.jobs.scope.declared import declared
from celery_uncovered.jobs.scope.text import copied, decode, encode


class Scope(NamedTuple):
    """What was said, and its header. What has an adapter may have changed since, unless ``is_exact``.

    Names that are no longer declared are among the values of a job that carries them.
    """

    values: Mapping[str, Any]
    text: str | None
    is_exact: bool = False


NOTHING = Scope({}, None)
live: ContextVar[Scope] = ContextVar("scope", default=NOTHING)


def get(name: str, default: Any = None) -> Any:
    """The value of a declared name, ``default`` where it has none. Raises ScopeNotDeclaredError."""
    declared().check(name)
    value = current().get(name)
    return default if value is None else value


def current() -> dict[str, Any]:
    """All names that have a value here, also those that a job carries undeclared."""
    scope = live.get()
    return _said({**scope.values, **_seen_since(scope)})


@contextmanager
def use(**names: Any) -> Iterator[None]:
    """Have these names hold within; None takes one off.

    Raises ScopeNotDeclaredError, ScopeNotJsonError, ScopeTooLargeError or ScopeNotAppliedError.
    """
    said = checked(names)
    scope = live.get()
    values = _said({**scope.values, **said})
    with _holding(Scope(values, encode(values), scope.is_exact), said):
        yield


@contextmanager
def entered(header: str | None) -> Iterator[None]:
    """Have the scope in ``header`` hold within, and no more than that."""
    values = decode(header)
    names = [name for name, _ in declared().adapters]
    with _holding(Scope(values, header), {name: values.get(name) for name in names}):
        yield


@contextmanager
def exactly(header: Any) -> Iterator[None]:
    """Submit within as somebody else would: with the scope in ``header``, whatever holds here."""
    values = decode(header)
    token = live.set(Scope(values, encode(values), is_exact=True))
    try:
        yield
    finally:
        live.reset(token)


def is_exact() -> bool:
    """Whether this is within ``exactly``."""
    return live.get().is_exact


def told() -> str | None:
    """The header of what was said here, without what adapters have seen since."""
    return live.get().text


def captured() -> str | None:
    """The header of what holds here. Raises what ``encode`` does for an adapter's value."""
    scope = live.get()
    if scope is NOTHING:
        for mark in declared().marks:
            if mark() is not None:
                break
        else:
            return None
    seen = _seen_since(scope)
    return encode(_said({**scope.values, **seen})) if seen else scope.text


def merged(
    inherited: str | None, *, carried: Any, explicit: Mapping[str, Any] | None
) -> str | None:
    """The header of a job that inherits one, bears one, and is told more: the later wins, name by name."""
    values = {**decode(inherited), **decode(carried), **checked(explicit or {})}
    return encode(_said(values))


def checked(names: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of the values of declared names. Raises ScopeNotDeclaredError or ScopeNotJsonError."""
    known = declared()
    for name in names:
        known.check(name)
    return {name: copied(name, value) for name, value in names.items()}


def apply(name: str, adapter: Adapter, value: Any) -> None:
    try:
        adapter.apply(value)
    except Exception as error:
        raise ScopeNotAppliedError(name, value, error) from error


def _seen_since(scope: Scope) -> dict[str, Any]:
    """What adapters see that is not what was said."""
    seen: dict[str, Any] = {}
    if not scope.is_exact:
        for name, adapter in declared().adapters:
            value = adapter.seen()
            if value != scope.values.get(name):
                seen[name] = value
    return seen


@contextmanager
def _holding(scope: Scope, applied: Mapping[str, Any]) -> Iterator[None]:
    token = live.set(scope)
    try:
        with ExitStack() as stack:
            for name, adapter in declared().adapters:
                if name in applied:
                    stack.callback(adapter.apply, adapter.seen())
                    apply(name, adapter, applied[name])
            yield
    finally:
        live.reset(token)


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
