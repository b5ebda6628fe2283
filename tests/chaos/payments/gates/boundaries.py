"""Where a process may die: around the payments' own steps, which are called as ever."""

import functools
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from urllib3.connection import HTTPConnection

from celery_uncovered.jobs import finished, outbox, results
from celery_uncovered.jobs.current import attempt_of
from celery_uncovered.tricks.payments import accepting, charging, moves
from celery_uncovered.tricks.payments.models import Payment
from tests.chaos.payments.plan import ALL, DEATHS, GATES
from tests.support.app.notes import note

_asking = threading.local()


def connect() -> None:
    wrap(accepting, "accept", _accept)
    wrap(outbox, "send", _send)
    wrap(charging, "charge", _charge)
    wrap(moves, "begin_charging", _after("CHARGING written"))
    wrap(charging, "ask", _ask)
    wrap(HTTPConnection, "getresponse", _read_answer)
    wrap(moves, "end_charging", _after("SETTLED written"))
    wrap(finished, "record", _record)
    wrap(results.LedgerBackend, "mark_as_done", _mark_as_done)


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def outer(*args: Any, **kwargs: Any) -> Any:
        return around(inner, *args, **kwargs)

    setattr(owner, name, outer)


def die_at(boundary: str, reference: str) -> None:
    """Kill this process, or its whole service, where the plan says so for this payment; once."""
    gate = Path(settings.DATA_DIR, GATES, boundary, reference)
    try:
        what = gate.read_text()
        # Whoever removes it dies.
        gate.unlink()
    except FileNotFoundError:
        return
    note(f"{boundary}|{what}|{reference}", file=DEATHS)
    if what == ALL:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


# --- the web's side -------------------------------------------------------------------------------
def _accept(inner: Callable[..., Any], wanted: accepting.Wanted, **kwargs: Any) -> Any:
    with transaction.atomic():
        # Before the publisher is told, which is told at the same commit.
        transaction.on_commit(lambda: die_at("row committed", wanted.reference))
        return inner(wanted, **kwargs)


def _send(inner: Callable[..., Any], deliveries: Sequence[Any]) -> Any:
    taken = inner(deliveries)
    _die_at_jobs("message sent", [delivery.message.task_id for delivery in deliveries])
    return taken


# --- the worker's side ----------------------------------------------------------------------------
def _charge(inner: Callable[..., Any], payment_id: int) -> Any:
    die_at("claimed", _reference(payment_id))
    return inner(payment_id)


def _after(boundary: str) -> Callable[..., Any]:
    def act(inner: Callable[..., Any], payment_id: int, *args: Any) -> Any:
        value = inner(payment_id, *args)
        die_at(boundary, _reference(payment_id))
        return value

    return act


def _ask(inner: Callable[..., Any], payment: Payment) -> Any:
    _asking.reference = payment.reference
    try:
        charge = inner(payment)
    finally:
        _asking.reference = ""
    die_at("answer received", payment.reference)
    return charge


def _read_answer(inner: Callable[..., Any], connection: HTTPConnection) -> Any:
    reference = getattr(_asking, "reference", "")
    if reference:
        die_at("request sent", reference)
    return inner(connection)


def _record(inner: Callable[..., Any], ended: Sequence[Any], **kwargs: Any) -> Any:
    value = inner(ended, **kwargs)
    _die_at_jobs("result recorded", [one.id for one in ended])
    return value


def _mark_as_done(
    inner: Callable[..., Any], backend: Any, task_id: str, *args: Any, **kw: Any
) -> Any:
    attempt = attempt_of(task_id)
    value = inner(backend, task_id, *args, **kw)
    # That of a batch is recorded with the others.
    if attempt is None or attempt.keep is None:
        _die_at_jobs("result recorded", [task_id])
    return value


def _die_at_jobs(boundary: str, task_ids: Sequence[str]) -> None:
    if not any(Path(settings.DATA_DIR, GATES, boundary).iterdir()):
        return
    for reference in Payment.objects.filter(task_id__in=task_ids).values_list(
        "reference", flat=True
    ):
        die_at(boundary, reference)


def _reference(payment_id: int) -> str:
    return Payment.objects.values_list("reference", flat=True).get(pk=payment_id)
