"""What people see of JSON with sealed secrets in it: MASK in the place of each."""

import json
import re
from collections.abc import Sequence
from typing import Any

from kombu.utils.json import object_hook

from celery_uncovered.jobs.literals import as_written
from celery_uncovered.jobs.masking import MASK, mask_text, mask_value
from celery_uncovered.jobs.masking.text import may_need_masking
from celery_uncovered.jobs.sealing.sealed import is_sealed

#: Any name that says so.
_NAME = "secret"
#: A sealed secret as text, whole or cut off.
_WRITTEN = re.compile(r'\{"__type__": "sealed"(?:, "__value__": "[^"]*+"?\}?|$)')


def shown(text: str, *, is_plain: bool = False) -> Any:
    """The value of a JSON text without its secrets.

    Dates and the like are what kombu makes of them, or with ``is_plain`` stay as they are written.
    """
    value = json.loads(text, object_hook=_as_written if is_plain else _as_meant)
    # Rows of a time before secrets were sealed.
    return mask_value(value) if may_need_masking(text) else value


def masked_args(args: Sequence[Any], positions: frozenset[int]) -> list[Any]:
    """Positional arguments for people to read, those at ``positions`` being secret."""
    return [
        mask_value(value, name=_NAME if position in positions else "")
        for position, value in enumerate(args)
    ]


def shown_start(text: str) -> str:
    """The start of a JSON text, which need not be whole, without its secrets."""
    return mask_text(_WRITTEN.sub(f'"{MASK}"', text))


def _as_written(found: dict[str, Any]) -> Any:
    return MASK if is_sealed(found) else as_written(found)


def _as_meant(found: dict[str, Any]) -> Any:
    return MASK if is_sealed(found) else object_hook(found)
