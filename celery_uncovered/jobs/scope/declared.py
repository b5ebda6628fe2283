"""The names of the scope that the settings declare, and what stands for each."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from celery_uncovered.jobs.errors import ScopeNotDeclaredError
from celery_uncovered.jobs.scope.adapters import Adapter

SETTING = "JOBS_SCOPE"
OF_REQUEST = "JOBS_SCOPE_OF_REQUEST"


class Declared(NamedTuple):
    """``adapters`` are those of the names that are no variables of the platform itself.

    ``marks`` are their methods of that name.
    """

    names: frozenset[str]
    adapters: tuple[tuple[str, Adapter], ...]
    marks: tuple[Callable[[], Any], ...]

    def check(self, name: str) -> None:
        """Raise ScopeNotDeclaredError for a name that is not declared."""
        if name not in self.names:
            raise ScopeNotDeclaredError(name, sorted(self.names))


@cache
def declared() -> Declared:
    """What JOBS_SCOPE says. Raises ImproperlyConfigured with all that is wrong with it."""
    wrong = list(problems())
    if wrong:
        raise ImproperlyConfigured(" ".join(wrong))
    said: dict[str, Any] = settings.JOBS_SCOPE
    adapters = tuple((name, import_string(path)()) for name, path in said.items() if path)
    marks = tuple(adapter.mark for _, adapter in adapters)
    return Declared(names=frozenset(said), adapters=adapters, marks=marks)


def problems() -> Iterator[str]:
    """A sentence for each declaration that makes no sense."""
    said: Any = settings.JOBS_SCOPE
    if not isinstance(said, dict):
        yield f"{SETTING} must be a dict of names, each with an adapter's path or None."
        return
    for name, path in said.items():
        if not isinstance(name, str) or not name.isidentifier():
            yield f"{SETTING} has the name {name!r}, which is no identifier."
        elif path is not None:
            yield from _problems_of(name, path)


def of_request() -> Callable[[Any], Mapping[str, Any]] | None:
    """The function that tells the scope of a request; None where the settings name none.

    Raises ImportError.
    """
    path: str = getattr(settings, OF_REQUEST)
    return import_string(path) if path else None


def _problems_of(name: str, path: Any) -> Iterator[str]:
    try:
        adapter = import_string(path)
    except (ImportError, TypeError, AttributeError) as error:
        yield f'{SETTING}["{name}"] cannot be imported: {error}.'
        return
    if not isinstance(adapter, type) or not issubclass(adapter, Adapter):
        yield f'{SETTING}["{name}"] is {path}, which is no class derived from jobs.scope.Adapter.'


def _forget(*, setting: str, **_: Any) -> None:
    if setting in {SETTING, "LANGUAGE_CODE", "TIME_ZONE"}:
        declared.cache_clear()


setting_changed.connect(_forget)
