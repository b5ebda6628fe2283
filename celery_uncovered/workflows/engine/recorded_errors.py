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
        return encode([*words, list(error.args)], "The error")
    except Exception:  # noqa: BLE001  # whatever the arguments are: the message will do
        return encode([*words, None], "The error")


def error_of(text: str) -> BaseException:
    """The error again. One whose class is gone, or takes other arguments, comes as a RecordedError."""
    module, name, message, args = decode(text)
    kind = _class(module, name)
    if kind is None:
        return RecordedError(name, message)
    try:
        error = kind(*args) if args is not None else kind(message)
    except Exception:  # noqa: BLE001  # a class with a constructor of its own
        error = _without_constructor(kind, args, message)
    if _message(error) == message:
        return error
    error = _without_constructor(kind, args, message)
    return error if _message(error) == message else RecordedError(name, message)


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
    try:
        error: BaseException = kind.__new__(kind)
        error.args = tuple(args) if args else (message,)
        str(error)
    except Exception:  # noqa: BLE001
        return RecordedError(kind.__qualname__, message)
    return error
