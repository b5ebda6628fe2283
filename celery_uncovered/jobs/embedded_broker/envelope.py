"""One message as a file: a JSON object with body, headers and properties."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

from kombu.transport.virtual import Base64
from kombu.utils.json import dumps, loads

#: A file that cannot be opened for what it is: a symbolic link, a socket, another user's.
FOREIGN = {errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM}


class NotAMessageError(Exception):
    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Not a message: {reason}.")


def to_bytes(message: dict[str, Any]) -> bytes:
    return dumps(message).encode()


def read_message(path: Path) -> dict[str, Any]:
    """The message in the file ``path``.

    Raises ``NotAMessageError`` for anything else that may lie in a folder (half a message,
    other JSON, a subfolder, a link, a pipe), ``OSError`` when reading fails for a passing reason.
    """
    return _checked(_parsed(_content(path)))


def _content(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in FOREIGN:
            raise NotAMessageError(reason=os.strerror(error.errno)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAMessageError(reason="not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _parsed(content: bytes) -> Any:
    try:
        return loads(content)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise NotAMessageError(reason=f"{type(error).__name__} while reading its JSON") from error


def _checked(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise NotAMessageError(reason="JSON, but no object")
    for key in ("headers", "properties"):
        if not isinstance(message.get(key), dict):
            raise NotAMessageError(reason=f"no {key}")
    if not isinstance(message["properties"].get("delivery_info"), dict):
        raise NotAMessageError(reason="no delivery_info")
    _check_body(message)
    return message


def _check_body(message: dict[str, Any]) -> None:
    body, encoding = message.get("body"), message["properties"].get("body_encoding")
    if not isinstance(body, str):
        raise NotAMessageError(reason="no body")
    if encoding != "base64":
        if encoding not in {None, "utf-8"}:
            raise NotAMessageError(reason=f"unknown body encoding {encoding!r}")
        return
    try:
        Base64().decode(body)
    except ValueError as error:
        raise NotAMessageError(reason="its body is not base64") from error
