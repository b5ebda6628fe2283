"""Recorded JSON texts as people may read them: masked, and no longer than a page can bear."""

import json
from typing import Any

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.values import decode

#: Of one value, in characters.
MOST = 4_000
#: What is too long to be looked into.
MASKED = "********"


def shown_value(text: str, *, name: str = "") -> Any:
    """The value of a whole JSON text, without its secrets; ``name`` is what it stands under."""
    try:
        return jobs.mask_value(decode(text), name=name)
    except (TypeError, ValueError):  # a type that this code does not know any more
        return jobs.mask_text(text)


def shown_text(text: str, *, name: str = "") -> str:
    """A JSON text, which may be cut after MOST characters, laid out to be read."""
    if len(text) > MOST:
        return MASKED if jobs.is_secret_name(name) else f"{jobs.mask_text(text[:MOST])}…"
    return json.dumps(shown_value(text, name=name), indent=2, ensure_ascii=False, default=str)


def shown_error(text: str) -> str:
    """A recorded error ``[module, class, message, args]``, which may be cut, in one line."""
    try:
        _, name, message, _ = json.loads(text)
    except (TypeError, ValueError):
        return jobs.mask_text(text[:MOST])
    return jobs.mask_text(f"{name}: {message}" if message else str(name))
