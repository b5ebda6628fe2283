"""Values as a run's history keeps them: strict JSON texts with kombu's tags for dates, UUIDs, decimals.

Secrets in them are sealed, as those of jobs are, and open for the run and for who reads its result.
"""

import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from django.conf import settings
from kombu.utils.json import loads

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.errors import NotJsonError, TooLargeError

#: The largest value that a step may return, or a run begin with, in bytes of JSON.
DEFAULT_LIMIT = 1024 * 1024
_PLAIN = frozenset({str, int, bool, type(None)})
_constants: dict[bool | None, str] = {True: "true", False: "false", None: "null"}
_quoted = json.encoder.encode_basestring
#: Texts of so many characters are below any limit that makes sense.
ALWAYS_FITS = 16 * 1024


def encode(value: Any, what: str) -> str:
    """``value`` as JSON text, its secrets sealed; ``what`` begins the sentence of the errors.

    Raises NotJsonError, or TooLargeError beyond WORKFLOWS_MAX_VALUE_BYTES.
    """
    if value is None or value is True or value is False:
        return _constants[value]
    return jobs.sealing.seal(_text_of(value, what))


def encode_call(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], what: str
) -> str:
    """The arguments of a call as ``encode`` does; secret is also what ``function`` calls by such a name."""
    text = _text_of([list(args), kwargs], what)
    return jobs.sealing.seal_call(text, jobs.sealing.positions_of(function))


def _text_of(value: Any, what: str) -> str:
    try:
        kind = type(value)
        if kind is str:
            text = _quoted(value)
        elif kind in _PLAIN:
            text = str(value) if kind is int else _constants[value]
        else:
            text = jobs.dumps(value)
        if len(text) < ALWAYS_FITS:
            return text
        size = len(text.encode())
    except Exception as error:  # kombu wraps what it cannot encode in its own classes
        raise NotJsonError(what, str(error) or type(error).__name__) from error
    limit = int(getattr(settings, "WORKFLOWS_MAX_VALUE_BYTES", DEFAULT_LIMIT))
    if size > limit:
        raise TooLargeError(what, size, limit)
    return text


def decode(text: str, found: list[Any] | None = None) -> Any:
    """The value; ``found`` collects the secrets in it. Raises jobs.SealBrokenError."""
    value = loads(text)
    return jobs.sealing.opened(value, found) if jobs.sealing.holds_sealed(text) else value


def as_recorded(value: Any, text: str) -> Any:
    """``value`` as a replay would read it from ``text``: a tuple is a list, also the first time."""
    return value if type(value) in _PLAIN else decode(text)


def digest(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """16 hexadecimal digits that tell these arguments from others; what is no JSON counts by its class."""
    if not args and not kwargs:
        return ""
    text = ""
    if not kwargs and all(type(value) in _PLAIN for value in args):
        text = repr(args)
    if not text or not text.isascii():
        # How such texts are shown may differ between Python's versions.
        text = _sorted([args, kwargs])
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _by_class(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


_sorted = json.JSONEncoder(sort_keys=True, default=_by_class).encode
