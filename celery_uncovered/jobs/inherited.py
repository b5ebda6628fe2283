"""Which scope a job gets: that of its submission, in which it inherits where it is submitted.

A signature has none until it is sent, wherever it was made. What follows a job (the rest of its chain,
its ``link``s) inherits its scope, and nothing that its task may have left active; so does its retry. A
chord's callback inherits where the chord was submitted, whoever ends last.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery_uncovered.jobs import scope
from celery_uncovered.jobs.current import RunningAttempt, running_attempt
from celery_uncovered.jobs.scope import SCOPE_HEADER


def take_scope(options: dict[str, Any], task_id: str | None = None) -> str | None:
    """The header of the scope of a new message; what ``options`` say of it is taken out of them.

    That is ``scope``, a dict, and a header of the same name, as a schedule or a retried message has it.
    Both win over what is inherited, name by name. Raises ScopeError.
    """
    attempt = running_attempt()
    inherited = scope.captured() if attempt is None else _from(attempt, options, task_id)
    if "scope" not in options and "headers" not in options:
        return inherited
    explicit = options.pop("scope", None)
    carried = _taken_from(options.get("headers"), options)
    if explicit is None and carried in {None, inherited}:
        return inherited
    return scope.merged(inherited, carried=carried, explicit=explicit)


def with_scope(options: Mapping[str, Any], header: str | None) -> dict[str, Any]:
    """The options with which Celery builds the header into a message."""
    if header is None:
        return dict(options)
    return {**options, "headers": {**(options.get("headers") or {}), SCOPE_HEADER: header}}


def note_for_callback(body: dict[str, Any]) -> dict[str, Any]:
    """A chord's callback that bears the scope which holds where its chord is submitted."""
    header = take_scope({**body.get("options", {}), "scope": None})
    return {**body, "options": with_scope(body.get("options", {}), header)}


@contextmanager
def as_submitted_with(noted: Any) -> Iterator[None]:
    """Submit within what was noted, or who failed, long ago: ``noted`` has its headers in its options."""
    headers = noted.get("options", {}).get("headers") or {}
    with scope.exactly(headers.get(SCOPE_HEADER)):
        yield


def as_follower(call: Callable[..., None]) -> Callable[..., None]:
    """``call`` so that what it submits inherits from the request which is its first argument.

    The stand-in for a chord's callback has no scope; its chord's holds already.
    """

    def in_scope(request: Any, *more: Any) -> None:
        if scope.is_exact():
            call(request, *more)
            return
        with scope.exactly(getattr(request, SCOPE_HEADER, None)):
            call(request, *more)

    return in_scope


def _taken_from(headers: Any, options: dict[str, Any]) -> str | None:
    """The scope in these headers, without which they go back among the options."""
    if not headers or SCOPE_HEADER not in headers:
        return None
    carried = scope.encode(scope.decode(headers[SCOPE_HEADER]))
    if carried is not None:
        # Anything else that has the name is no scope, and stays.
        rest = {name: value for name, value in headers.items() if name != SCOPE_HEADER}
        options["headers"] = rest or None
    return carried


def _from(attempt: RunningAttempt, options: Mapping[str, Any], task_id: str | None) -> str | None:
    """What a job inherits that is submitted while ``attempt`` runs, or is its next attempt."""
    if task_id == attempt.task_id and options.get("retries"):
        return scope.as_text(attempt.scope)
    return scope.told() if attempt.has_returned else scope.captured()
