"""A step's error as text, and back: the same class with the same message, without pickle."""

import builtins
import importlib
from typing import Any

from celery_uncovered.workflows.errors import RecordedError
from celery_uncovered.workflows.values import decode, encode


def text_of(error: BaseException) -> str:
    """``[module, class, message, args]``; args None where they are no JSON."""
    kind = type(error)
    words = [kind.__module__, kind.__qualname__, _message(error)]
    try:
        return encode([*words, _args(error)], "The error")
    except Exception:  # noqa: BLE001  # whatever the arguments are: the message will do
        return encode([*words, None], "The error")


def error_of(text: str) -> BaseException:
    """The error again. One whose class is gone, or takes other arguments, comes as a RecordedError."""
    module, name, message, args = decode(text)
    kind = _class(module, name)
    if kind is None:
        return RecordedError(name, message)
    try:
        error: BaseException = kind(*args) if args is not None else kind(message)
    except Exception:  # noqa: BLE001  # a class with a constructor of its own
        return _without_constructor(kind, args, message)
    return error if _message(error) == message else _without_constructor(kind, args, message)


def _args(error: BaseException) -> list[Any]:
    """What its class is called with; an OSError keeps the names of its files elsewhere."""
    return list(error.__reduce__()[1] if isinstance(error, OSError) else error.args)


def _message(error: BaseException) -> str:
    try:
        return str(error).replace("\0", "")
    except Exception:  # noqa: BLE001  # even that may be somebody's own code
        return ""


def _class(module: str, name: str) -> Any:
    try:
        found: Any = builtins if module == "builtins" else importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _without_constructor(kind: Any, args: list[Any] | None, message: str) -> BaseException:
    """An error of this class with this message, whatever its constructor wants."""
    for given in (args or [], [message]):
        error = _bare(kind, given)
        if error is not None and _message(error) == message:
            return error
    return RecordedError(kind.__qualname__, message)


def _bare(kind: Any, args: list[Any]) -> BaseException | None:
    try:
        error: BaseException = kind.__new__(kind)
        error.args = tuple(args)
    except Exception:  # noqa: BLE001  # a class that cannot be made so
        return None
    return error
