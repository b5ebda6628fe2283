"""Events: messages for runs, kept until a run takes them."""

from typing import Any

from django.db import IntegrityError, transaction

from celery_uncovered.workflows.engine import statements, waiting
from celery_uncovered.workflows.models import Event, Wait
from celery_uncovered.workflows.states import RunState
from celery_uncovered.workflows.values import encode


def send_event(key: str, payload: Any = None, *, dedup_id: str | None = None) -> bool:
    """Send an event, in the caller's transaction; the first run that waits for ``key`` takes it.

    Without a payload it is True, so that the run can tell it from a time that is up.
    False where one with this ``dedup_id`` was sent before, under whatever key.
    """
    text = encode(True if payload is None else payload, f'The payload of event "{key}"')
    event = Event(key=key, payload=text, dedup_id=dedup_id)
    try:
        with transaction.atomic():
            event.save(force_insert=True)
            # After the commit, so that of the two, waiting and sending, the later one sees the other.
            transaction.on_commit(lambda: tell(key))
    except IntegrityError:
        if dedup_id is None:
            raise
        return False
    return True


def tell(key: str) -> None:
    """Wake the runs that wait for ``key``."""
    waits = Wait.objects.filter(key=key, kind=waiting.EVENT, run__state=RunState.WAITING)
    ids = set(waits.values_list("run_id", flat=True))
    waiting.advance_later(statements.wake(ids))
