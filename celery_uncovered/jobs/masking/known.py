"""Secrets that are known by their values: those of the settings, and those of the job that runs."""

import json
import re
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any
from urllib.parse import unquote

from django.conf import global_settings, settings
from django.core.signals import setting_changed

from celery_uncovered.jobs.masking.hints import MASK
from celery_uncovered.jobs.masking.names import is_secret_name

#: Shorter values of settings are words that stand elsewhere too.
SHORTEST = 8
#: The same for the secrets of one job, which are looked for in its own texts only.
SHORTEST_OF_JOB = 6
#: Longer ones are whole documents, in which the secrets are found by their looks; and more are data.
LONGEST_OF_JOB, MOST_OF_JOB = 5000, 100
#: What a setting may nest; DATABASES nests two.
_DEEPEST = 6
_IN_ADDRESS = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_UNCHANGED = object()

_of_job: ContextVar[tuple[str, ...]] = ContextVar("secrets_of_job", default=())


def known_secrets() -> tuple[str, ...]:
    """The values that are secret wherever they stand."""
    settings_secrets = _of_settings if _of_settings is not None else _read_settings()
    of_job = _of_job.get()
    return of_job + settings_secrets if of_job else settings_secrets


def secrets_of_job() -> tuple[str, ...]:
    return _of_job.get()


def learn_secrets(values: Iterable[Any]) -> None:
    """Take these JSON values, the texts and numbers in them, for secrets of the job that this thread runs."""
    _of_job.set(_longest_first({*secrets_in(values), *_of_job.get()}))


def secrets_in(values: Iterable[Any]) -> tuple[str, ...]:
    """The texts and numbers in these JSON values that can be looked for, in all their forms."""
    fitting = (
        text
        for value in values
        for text in _texts(value)
        if SHORTEST_OF_JOB <= len(text) <= LONGEST_OF_JOB
    )
    return _in_all_forms(islice(fitting, MOST_OF_JOB))


def hide(values: Iterable[Any], text: str) -> str:
    """``text`` with MASK in place of the texts and numbers in these JSON values."""
    for secret in secrets_in(values):
        text = text.replace(secret, MASK)
    return text


def forget_secrets() -> None:
    """The job has ended; the next one has secrets of its own."""
    _of_job.set(())


_of_settings: tuple[str, ...] | None = None


def _read_settings() -> tuple[str, ...]:
    """The values of settings with secret names, and the passwords in addresses."""
    global _of_settings  # noqa: PLW0603  # read once: they are looked for in every text
    if not settings.configured:
        return ()
    found: set[str] = set()
    for name in dir(settings):
        if name.isupper():
            try:
                value = getattr(settings, name)
            except Exception:  # noqa: BLE001, S112  # a setting that is not set properly holds no secret
                continue
            if value != getattr(global_settings, name, _UNCHANGED):
                found.update(_secrets_in(name, value, 0))
    _of_settings = _in_all_forms(text for text in found if len(text) >= SHORTEST)
    return _of_settings


def _secrets_in(name: Any, value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets_in(key, inner, depth + 1)
    elif isinstance(value, (list, tuple)):
        # A list under a secret name may well be one of names: of password hashers, of token modules.
        is_secret = name == "SECRET_KEY_FALLBACKS"
        for inner in value:
            yield from _secrets_in(name if is_secret else "", inner, depth + 1)
    elif isinstance(value, str):
        for password in _IN_ADDRESS.findall(value):
            yield from {password, unquote(password)}
        if name == "SECRET_KEY_FALLBACKS" or is_secret_name(name):
            yield value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def _forms(text: str) -> tuple[str, ...]:
    """A text, and how Python and JSON write it within quotes."""
    in_json = (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return text, repr(text)[1:-1], *in_json


def _in_all_forms(texts: Iterable[str]) -> tuple[str, ...]:
    return _longest_first({form for text in texts for form in _forms(text)} - {MASK})


def _longest_first(texts: set[str]) -> tuple[str, ...]:
    """So that no part of one is masked alone."""
    return tuple(sorted(texts, key=len, reverse=True))


def _forget(**_: Any) -> None:
    global _of_settings  # noqa: PLW0603
    _of_settings = None


setting_changed.connect(_forget, dispatch_uid="jobs-secret-settings")
