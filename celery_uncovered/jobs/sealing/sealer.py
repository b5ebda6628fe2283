"""Finding the secrets in JSON and sealing them, and nothing else.

Secret is what the masker would mask, and what stands at the place of a parameter with a secret name,
also in the signatures that follow a task. A text is taken apart only where a quick look at it says
that it may hold a secret.
"""

import json
from collections.abc import Callable
from operator import is_
from typing import Any

from celery_uncovered.jobs.masking import is_secret_name
from celery_uncovered.jobs.masking.known import secrets_of_job
from celery_uncovered.jobs.masking.text import holds_secret, may_need_masking
from celery_uncovered.jobs.masking.values import is_maskable, is_named_pair, is_secret_number
from celery_uncovered.jobs.sealing.positions import NONE, secret_positions
from celery_uncovered.jobs.sealing.sealed import closed, is_sealed

#: How most bodies end.
NOTHING_FOLLOWS = ', {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
#: The shortest text that is secret by its looks; names of keys are mostly shorter.
_SHORTEST = 8
#: The digits of the shortest number that is.
_DIGITS = 14


def seal_body(text: str, positions: frozenset[int] = NONE) -> str:
    """A message body ``[args, kwargs, embed]`` with its secrets sealed; the same text without any.

    ``positions`` are those of the task's positional arguments that are secret.
    """
    if not positions and not may_need_masking(text.removesuffix(NOTHING_FOLLOWS)):
        return text
    return _rewritten(text, lambda body: _sealed_body(body, positions))


def seal(text: str) -> str:
    """The JSON text of a result, or of a signature, with its secrets sealed; the same text without any."""
    # A number, which no name says anything of.
    if len(text) < _DIGITS and text[:1] not in '"[{' and not secrets_of_job():
        return text
    return _rewritten(text, seal_value) if may_need_masking(text) else text


def seal_value(value: Any) -> Any:
    """A value of plain JSON with its secrets sealed; the same value without any."""
    try:
        return _sealed(value)
    except RecursionError:
        # Too deep to be taken apart.
        return closed(value)


def _rewritten(text: str, act: Callable[[Any], Any]) -> str:
    value = json.loads(text)
    sealed = act(value)
    return text if sealed is value else json.dumps(sealed, ensure_ascii=False)


def _sealed_body(body: list[Any], positions: frozenset[int]) -> list[Any]:
    args, kwargs, embed = body
    try:
        return _unless_same(body, [_sealed_args(args, positions), _sealed(kwargs), _sealed(embed)])
    except RecursionError:
        everything = {name: closed(value) for name, value in kwargs.items()}
        return [[closed(value) for value in args], everything, embed]


def _sealed_args(args: list[Any], positions: frozenset[int]) -> list[Any]:
    return _unless_same(
        args,
        [
            _closed_once(value) if position in positions else _sealed(value)
            for position, value in enumerate(args)
        ],
    )


def _sealed(value: Any) -> Any:
    """``value`` itself where there is nothing to seal in it."""
    if isinstance(value, str):
        return closed(value) if holds_secret(value) else value
    if isinstance(value, dict):
        return _sealed_dict(value)
    if isinstance(value, list):
        if is_named_pair(value):
            return [value[0], closed(value[1])]
        return _unless_same(value, [_sealed(inner) for inner in value])
    return closed(value) if isinstance(value, int) and is_secret_number(value) else value


def _sealed_dict(value: dict[str, Any]) -> dict[str, Any]:
    if value.keys() == {"__type__", "__value__"}:
        # A value that JSON has no word for, as kombu writes it.
        is_secret = not is_sealed(value) and _sealed(value["__value__"]) is not value["__value__"]
        return closed(value) if is_secret else value
    if any(len(key) >= _SHORTEST and holds_secret(key) for key in value):
        return closed(value)
    sealed = {
        name: _closed_once(inner) if is_secret_name(name) else _sealed(inner)
        for name, inner in value.items()
    }
    if isinstance(value.get("task"), str) and isinstance(value.get("args"), list):
        sealed["args"] = _sealed_args(value["args"], secret_positions(value["task"]))
    same = all(sealed[name] is inner for name, inner in value.items())
    return value if same else sealed


def _closed_once(value: Any) -> Any:
    return closed(value) if is_maskable(value) and not is_sealed(value) else value


def _unless_same(old: list[Any], new: list[Any]) -> list[Any]:
    return old if all(map(is_, old, new)) else new
