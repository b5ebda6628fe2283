"""Finding the secrets in JSON and sealing them, and nothing else.

Secret is what the masker would mask, what stands at the place of a parameter with a secret name, also
in the signatures that follow a task, and the same values wherever else they stand in that JSON. A
text is taken apart only where a quick look at it says that it may hold a secret.
"""

import json
from collections.abc import Callable
from operator import is_
from typing import Any

from celery_uncovered.jobs.masking import is_secret_name
from celery_uncovered.jobs.masking.known import secrets_in, secrets_of_job
from celery_uncovered.jobs.masking.text import holds_secret, may_need_masking
from celery_uncovered.jobs.masking.values import is_maskable, is_named_pair, is_secret_number
from celery_uncovered.jobs.sealing.positions import NONE, secret_positions
from celery_uncovered.jobs.sealing.sealed import closed, is_sealed

#: How most bodies end.
NOTHING_FOLLOWS = ', {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
_NO_EMBED = ", null]"
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
    return _rewritten(text, lambda sealer, body: sealer.body(body, positions))


def seal_call(text: str, positions: frozenset[int] = NONE) -> str:
    """The same for the JSON text ``[args, kwargs]`` of a call, which nothing follows."""
    if not positions and not may_need_masking(text):
        return text
    body = seal_body(f"{text[:-1]}{_NO_EMBED}", positions)
    return f"{body.removesuffix(_NO_EMBED)}]"


def seal(text: str) -> str:
    """The JSON text of a result with its secrets sealed; the same text without any."""
    # A number, which no name says anything of.
    if len(text) < _DIGITS and text[:1] not in '"[{' and not secrets_of_job():
        return text
    return _rewritten(text, _Sealer.whole) if may_need_masking(text) else text


def seal_signature(text: str) -> str:
    """The same for the JSON text of a signature that gets a result as its first argument."""
    return _rewritten(text, _Sealer.following)


def seal_value(value: Any) -> Any:
    """A value of plain JSON with its secrets sealed; the same value without any."""
    return _Sealer().whole(value)


def _rewritten(text: str, act: Callable[["_Sealer", Any], Any]) -> str:
    value = json.loads(text)
    sealer = _Sealer()
    sealed = act(sealer, value)
    if sealed is value:
        return text
    new = json.dumps(sealed, ensure_ascii=False)
    # What was sealed for its name may stand elsewhere under another one.
    found = secrets_in(sealer.found)
    if not any(map(new.__contains__, found)):
        return new
    return json.dumps(act(_Sealer(found), value), ensure_ascii=False)


class _Sealer:
    """Takes one JSON value apart; ``found`` is what it sealed for its name or its place."""

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self.known = known
        self.found: list[Any] = []
        #: How many arguments may come before a signature's own: a result, or none.
        self.shifts = {0, 1}

    def whole(self, value: Any) -> Any:
        try:
            return self.value(value)
        except RecursionError:
            # Too deep to be taken apart.
            return closed(value)

    def body(self, body: list[Any], positions: frozenset[int]) -> list[Any]:
        args, kwargs, embed = body
        try:
            parts = [self.args(args, positions), self.value(kwargs), self.following(embed)]
        except RecursionError:
            everything = {name: closed(value) for name, value in kwargs.items()}
            return [[closed(value) for value in args], everything, embed]
        return _unless_same(body, parts)

    def following(self, value: Any) -> Any:
        """Signatures of what follows a task."""
        self.shifts = {1}
        return self.value(value)

    def args(self, args: list[Any], positions: frozenset[int]) -> list[Any]:
        """Positional arguments."""
        return _unless_same(
            args,
            [
                self.secret(value) if position in positions else self.value(value)
                for position, value in enumerate(args)
            ],
        )

    def value(self, value: Any) -> Any:
        """``value`` itself where there is nothing to seal in it."""
        if isinstance(value, str):
            return closed(value) if self.is_secret(value) else value
        if isinstance(value, dict):
            return self.mapping(value)
        if isinstance(value, list):
            if is_named_pair(value):
                return [value[0], self.secret(value[1])]
            return _unless_same(value, [self.value(inner) for inner in value])
        if isinstance(value, int) and (is_secret_number(value) or str(value) in self.known):
            return closed(value)
        return value

    def mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        if value.keys() == {"__type__", "__value__"}:
            return self.typed(value)
        if any(len(key) >= _SHORTEST and self.is_secret(key) for key in value):
            return closed(value)
        new = {
            name: self.secret(inner) if is_secret_name(name) else self.value(inner)
            for name, inner in value.items()
        }
        if isinstance(value.get("task"), str) and isinstance(value.get("args"), list):
            new["args"] = self.args(value["args"], self.positions_in(value))
        elif isinstance(value.get("task"), dict) and isinstance(value.get("it"), list):
            new["it"] = self.items(value["it"], secret_positions(value["task"].get("task")))
        return value if all(new[name] is inner for name, inner in value.items()) else new

    def positions_in(self, signature: dict[str, Any]) -> frozenset[int]:
        """The secret ones among a signature's own arguments."""
        shifts = {0} if signature.get("immutable") else self.shifts
        positions = secret_positions(signature["task"])
        return frozenset(position - shift for position in positions for shift in shifts)

    def items(self, items: list[Any], positions: frozenset[int]) -> list[Any]:
        """What Celery's ``map``, ``starmap`` and ``chunks`` call one task with."""
        new = []
        for item in items:
            args = item if isinstance(item, list) else [item]
            sealed = self.args(args, positions)
            new.append(sealed if args is item else sealed[0])
        return _unless_same(items, new)

    def typed(self, value: dict[str, Any]) -> dict[str, Any]:
        """A value that JSON has no word for, as kombu writes it; it is sealed whole."""
        inner = value["__value__"]
        return value if is_sealed(value) or self.value(inner) is inner else closed(value)

    def secret(self, value: Any) -> Any:
        """What a name or a place says is a secret."""
        if not is_maskable(value) or is_sealed(value):
            return value
        self.found.append(value)
        return closed(value)

    def is_secret(self, text: str) -> bool:
        return any(map(text.__contains__, self.known)) or holds_secret(text)


def _unless_same(old: list[Any], new: list[Any]) -> list[Any]:
    return old if all(map(is_, old, new)) else new
