"""The job that a schedule's row asks for, with all that the row says about it."""

from datetime import datetime
from functools import partial
from json import JSONDecodeError
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.utils.json import loads

from celery_uncovered.jobs.errors import ArgumentsNotJsonError
from celery_uncovered.jobs.ids import new_id
from celery_uncovered.jobs.submit import registered

#: The header that tells a task which due time of its schedule it runs for, in ISO 8601.
DUE_HEADER = "schedule_due"


def submit_row(row: Any, due_at: datetime | None = None) -> str:
    """Submit the job of a ``PeriodicTask`` row; its id. ``due_at`` None is by hand.

    Raises JobError, or ValueError for arguments that are no JSON.
    """
    args, kwargs = loads(row.args or "[]"), loads(row.kwargs or "{}")
    options = options_of(row)
    if due_at is not None:
        options["headers"][DUE_HEADER] = due_at.isoformat()
    task = current_app.tasks.get(row.task)
    if task is None:
        return str(current_app.send_task(row.task, args, kwargs, **options).id)
    if not getattr(task, "is_job", False):
        return _send_later(task, args, kwargs, options)
    return str(task.apply_async(args, kwargs, **options).id)


def submit_by_hand(row: Any) -> str:
    """Submit the job of a ``PeriodicTask`` row now, beside what it submits by itself; its id.

    Raises JobError.
    """
    registered(row.task)
    try:
        return submit_row(row)
    except JSONDecodeError as error:
        raise ArgumentsNotJsonError(row.task, str(error)) from error


def options_of(row: Any) -> dict[str, Any]:
    """What ``apply_async`` is told besides the arguments."""
    names = ("queue", "exchange", "routing_key", "priority")
    options = {name: value for name in names if (value := getattr(row, name)) not in {None, ""}}
    expires = row.expires or row.expire_seconds
    if expires:
        options["expires"] = expires
    own = loads(row.headers or "{}")
    options["headers"] = {**own, "periodic_task_name": row.name, "celery_beat_task": True}
    return options


def _send_later(task: Any, args: Any, kwargs: Any, options: dict[str, Any]) -> str:
    """One that is no job goes to the broker after the commit: a broker that is away must not hold it."""
    task_id = new_id()
    send = partial(task.apply_async, args, kwargs, task_id=task_id, **options)
    transaction.on_commit(send, robust=True)
    return task_id
