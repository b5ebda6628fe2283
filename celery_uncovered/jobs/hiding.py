"""The headers of a message whose body holds sealed secrets: they must not tell them either."""

from collections.abc import Mapping
from typing import Any

from celery import current_app
from celery.app.task import Context
from celery.utils.saferepr import saferepr

from celery_uncovered.jobs import sealing
from celery_uncovered.jobs.masking import mask_text
from celery_uncovered.jobs.masking.known import hide
from celery_uncovered.jobs.messages import arguments, decode

#: What Celery says itself; ``stamps`` are its users'.
_CELERYS = {*vars(Context), "lang", "task", "origin", "argsrepr", "kwargsrepr"} - {"stamps"}
#: The platform's own headers, which look after themselves, begin so.
_OURS = ("job_", "scope")


def without_secrets(headers: Mapping[str, Any], body: Any, text: str) -> dict[str, Any]:
    """``headers`` of the message with this body, ``text`` being its form with the secrets sealed.

    What they show of the arguments is masked; in headers of the caller's own secrets are sealed.
    """
    own = {name: value for name, value in headers.items() if not _is_known(name)}
    sealed = sealing.seal_value(own) if any(own.values()) else own
    changes = {} if sealed is own else {**sealed, sealing.SEALED_HEADER: True}
    if sealing.holds_sealed(text):
        changes |= _masked_reprs(headers, body, text)
    return {**headers, **changes}


def _is_known(name: str) -> bool:
    return name in _CELERYS or name.startswith(_OURS)


def _masked_reprs(headers: Mapping[str, Any], body: Any, text: str) -> dict[str, Any]:
    found: list[Any] = []
    sealing.opened(decode(text)[:2], found)
    return {
        name: _masked_repr(headers[name], given, shown, found)
        for name, given, shown in zip(
            ("argsrepr", "kwargsrepr"), body, reprs_of(text), strict=False
        )
        if headers.get(name) is not None
    }


def _masked_repr(written: str, given: Any, shown: str, found: list[Any]) -> str:
    """``shown``, unless the caller has found words of its own for the arguments."""
    if written in {_repr(given), _repr(tuple(given))}:
        return shown
    return mask_text(hide(found, written))


def reprs_of(text: str) -> tuple[str, str]:
    """What Celery's headers show of the arguments in a body text, without the secrets in it."""
    args, kwargs = arguments(text)
    return _repr(tuple(args)), _repr(kwargs)


def _repr(arguments: Any) -> str:
    limit, levels = current_app.amqp.argsrepr_maxsize, current_app.conf.task_repr_maxlevels
    return str(saferepr(arguments, limit, maxlevels=levels))
