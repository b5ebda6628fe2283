"""Unique keys: while a job with a key lives, or until its window ends, no other has that key."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from celery_uncovered.jobs.errors import UniqueKeyError, UniqueWindowError
from celery_uncovered.jobs.insert import Key
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import FINAL

LONGEST = 255


def key_from(options: dict[str, Any]) -> Key | None:
    """The key in the ``options`` of a submission, which lose ``unique_key`` and ``unique_for``.

    Raises UniqueKeyError or UniqueWindowError.
    """
    text, window = options.pop("unique_key", None), options.pop("unique_for", None)
    if text is None:
        if window is not None:
            raise UniqueWindowError(window, "without a unique_key")
        return None
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST or "\0" in text:
        raise UniqueKeyError(text, LONGEST)
    return Key(text=text, until=None if window is None else timezone.now() + _window(window))


def holder_of(key: Key) -> str | None:
    """The id of the live job that holds ``key``; None where none does, or does any longer.

    A job whose window has ended loses its key here, and goes on without it.
    """
    live = Job.objects.filter(unique_key=key.text).exclude(state__in=FINAL)
    job = live.values_list("id", "unique_until").first()
    if job is None:
        return None
    task_id, until = job
    now = timezone.now()
    if until is not None and until <= now:
        # Guarded: another process may have passed the key on, and this job may have ended.
        live.filter(id=task_id, unique_until__lte=now).update(unique_key=None, unique_until=None)
        return None
    return str(task_id)


def _window(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        window = value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            window = timedelta(seconds=value)
        except (OverflowError, ValueError):
            raise UniqueWindowError(value) from None
    else:
        raise UniqueWindowError(value)
    if window <= timedelta():
        raise UniqueWindowError(value)
    try:
        timezone.now() + window
    except OverflowError:
        raise UniqueWindowError(value) from None
    return window
