"""Successes that are recorded together: what ``settle.finish`` does for one, for a whole batch."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from celery import current_app
from django.db import transaction

from celery_uncovered.jobs import chords, node, statements
from celery_uncovered.jobs.current import RunningAttempt

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A success to be recorded. ``result``, ``task_args``, ``task_kwargs`` and ``meta`` are JSON texts.

    ``meta`` is None where no copy is kept for django-celery-results.
    """

    attempt: RunningAttempt
    request: Any
    finished_at: datetime
    result: str
    meta: str | None
    task_args: str | None
    task_kwargs: str | None
    periodic: str | None

    def row(self) -> dict[str, Any]:
        return {
            "id": self.attempt.task_id,
            "attempt": self.attempt.number,
            "finished_at": self.finished_at,
            "result": self.result,
            "meta": self.meta,
            "task_args": self.task_args,
            "task_kwargs": self.task_kwargs,
            "periodic": self.periodic,
        }


def record(finished: Sequence[Finished], *, worker: str) -> None:
    """Record ``finished`` in one transaction. Those whose attempt is not the current one change nothing."""
    rows = [one.row() for one in finished]
    identity = node.worker_node()
    common = {"node": identity.id, "host": identity.host, "pid": os.getpid(), "worker": worker}
    parts = [one for one in finished if one.request.chord and one.request.group]
    if not parts:
        statements.finish_many(rows, common)
        return
    with transaction.atomic():
        counted = set(statements.finish_many(rows, common))
        _count_parts([one for one in parts if one.attempt.task_id in counted])


def _count_parts(parts: Sequence[Finished]) -> None:
    """Take the parts off their chords, each chord once and in one order, so that no two wait for each other."""
    numbers = Counter(one.request.group for one in parts)
    last = {one.request.group: one.request for one in parts}
    for group in sorted(numbers):
        chords.count_parts(current_app, last[group], numbers[group])
