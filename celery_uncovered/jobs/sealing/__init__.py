"""Secrets that a program must read again: encrypted before they are stored or sent, and opened late.

What a message or a result says is JSON text. In it a secret becomes ``{"__type__": "sealed",
"__value__": token}``, which kombu's ``loads`` turns into a ``Sealed`` and its ``dumps`` back again:
so it stays sealed on every way through broker, ledger, retries, chains and chords, whoever decodes
it. ``opened`` is called in two places only: around the task, and where a program reads a result.
"""

from celery_uncovered.jobs.sealing.positions import positions_of, secret_positions
from celery_uncovered.jobs.sealing.reading import left_sealed, read
from celery_uncovered.jobs.sealing.request import SEALED_HEADER, open_request
from celery_uncovered.jobs.sealing.sealed import Sealed, holds_sealed, is_genuine, opened
from celery_uncovered.jobs.sealing.sealer import (
    seal,
    seal_body,
    seal_call,
    seal_signature,
    seal_value,
)
from celery_uncovered.jobs.sealing.showing import masked_args, shown, shown_start

__all__ = [
    "SEALED_HEADER",
    "Sealed",
    "holds_sealed",
    "is_genuine",
    "left_sealed",
    "masked_args",
    "open_request",
    "opened",
    "positions_of",
    "read",
    "seal",
    "seal_body",
    "seal_call",
    "seal_signature",
    "seal_value",
    "secret_positions",
    "shown",
    "shown_start",
]
