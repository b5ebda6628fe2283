"""Masking values like those of JSON: what stands under secret names, and secrets in texts."""

from collections.abc import Mapping
from typing import Any

from celery_uncovered.jobs.masking.hints import MASK
from celery_uncovered.jobs.masking.known import secrets_of_job
from celery_uncovered.jobs.masking.names import is_secret_name
from celery_uncovered.jobs.masking.text import holds_secret, mask_text

#: Deeper ones are not shown.
DEEPEST = 50
_SMALLEST_CARD = 10**13


def mask_value(value: Any, *, name: str = "") -> Any:
    """A copy of ``value`` without secrets: of dicts, lists, tuples, texts, bytes and numbers.

    Other values stay as they are. ``name`` is what the whole stands under, if anything. Values that
    hold themselves, or more than DEEPEST others in each other, end in MASK.
    """
    return _masked(value, name, ())


def is_maskable(value: Any) -> bool:
    """Whether ``value`` can be a secret: nothing, an empty text, yes and no cannot."""
    return value is not None and not isinstance(value, bool) and value not in ("", b"", MASK)


def is_named_pair(value: Any) -> bool:
    """Whether ``value`` is a secret name and a text: a header as many libraries keep it."""
    if len(value) != 2 or not isinstance(value[1], (str, bytes)):  # noqa: PLR2004  # a pair
        return False
    name = value[0].decode("latin-1") if isinstance(value[0], bytes) else value[0]
    return is_secret_name(name) and is_maskable(value[1])


def is_secret_number(value: int) -> bool:
    """Whether a number is a card's, or a secret of the job that runs."""
    return (value >= _SMALLEST_CARD or bool(secrets_of_job())) and holds_secret(str(value))


def _masked(value: Any, name: Any, around: tuple[int, ...]) -> Any:
    if is_secret_name(name) and is_maskable(value):
        return MASK
    if isinstance(value, (Mapping, list, tuple)):
        if id(value) in around or len(around) >= DEEPEST:
            return MASK
        return _masked_parts(value, (*around, id(value)))
    return _masked_one(value)


def _masked_one(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        masked = mask_text(text)
        return value if masked is text else masked.encode("latin-1")
    return MASK if isinstance(value, int) and is_secret_number(value) else value


def _masked_parts(value: Any, around: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        return {
            mask_text(key) if isinstance(key, str) else key: _masked(inner, key, around)
            for key, inner in value.items()
        }
    if is_named_pair(value):
        masked = [value[0], MASK]
    else:
        masked = [_masked(inner, "", around) for inner in value]
    if isinstance(value, tuple):
        # A named tuple takes its values one by one.
        return type(value)(*masked) if hasattr(value, "_fields") else tuple(masked)
    return masked
