"""Successes that are recorded together: what ``settle.finish`` does for one, for a whole batch."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from celery import current_app
from celery.app.task import Context
from celery.states import SUCCESS
from django.db import transaction

from celery_uncovered.jobs import chords, node, statements
from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.messages import decode
from celery_uncovered.jobs.models import Job


class Finished(NamedTuple):
    """A success to be recorded.

    ``result``, ``task_args``, ``task_kwargs`` and ``meta`` are JSON texts; ``meta`` is None where no
    copy is kept for django-celery-results. ``group`` is the id of the chord that the job is a part of.
    """

    id: str
    attempt: int
    finished_at: datetime
    result: str
    meta: str | None
    task_args: str | None
    task_kwargs: str | None
    periodic: str | None
    group: str | None
    root_id: str | None

    def line(self) -> bytes:
        """As text, for whoever records it if this process does not get to it."""
        return json.dumps([*self[:2], self.finished_at.isoformat(), *self[3:]]).encode()

    @classmethod
    def of_line(cls, line: bytes) -> "Finished | None":
        """None for a line that is not whole."""
        try:
            id_, attempt, finished_at, *rest = json.loads(line)
            return cls(id_, attempt, datetime.fromisoformat(finished_at), *rest)
        except (ValueError, TypeError):
            return None


def record(finished: Sequence[Finished], *, worker: str, pid: int | None = None) -> None:
    """Record ``finished`` in one transaction; those whose attempt is not the current one change nothing.

    ``pid`` is the process that ran them, if it was another one.
    """
    rows = [one._asdict() for one in finished]
    identity = node.worker_node()
    common = {"node": identity.id, "host": identity.host, "pid": pid or os.getpid()}
    common["worker"] = worker
    parts = [one for one in finished if one.group is not None]
    if not parts:
        statements.finish_many(rows, common)
        return
    with transaction.atomic():
        counted = set(statements.finish_many(rows, common))
        _count_parts([one for one in parts if one.id in counted])


def _count_parts(parts: Sequence[Finished]) -> None:
    """Take parts off their chords: each chord once, in one order, so that no two wait for each other."""
    numbers = Counter(one.group for one in parts)
    last = {one.group: one for one in parts}
    for group in sorted(filter(None, numbers)):
        part: Any = Context(id=last[group].id, root_id=last[group].root_id, group=group)
        if not chords.count_parts(current_app, part, numbers[group]):
            _count_elsewhere([one for one in parts if one.group == group])


def _count_elsewhere(parts: Sequence[Finished]) -> None:
    """Parts of a chord that was begun before the project had the ledger."""
    for job in Job.objects.filter(id__in=[one.id for one in parts]):
        result = None if job.result is None else decode(job.result)
        current_app.backend.on_chord_part_return(request_of(job), SUCCESS, result)
