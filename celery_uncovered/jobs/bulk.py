"""Accepting many jobs of one task at once: a statement for thousands of rows, one commit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import transaction

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.errors import BadItemError, JobError, OneByOneError
from celery_uncovered.jobs.insert import insert_new_jobs
from celery_uncovered.jobs.messages import Delivery, Message
from celery_uncovered.jobs.submit import registered
from celery_uncovered.jobs.timing import Timing

#: Jobs whose messages are built and whose rows are inserted before the next are looked at.
CHUNK = 5000
#: Options that belong to one job.
OF_ONE_JOB = ("task_id", "unique_key", "unique_for")

Item = Sequence[Any] | Mapping[str, Any]


def submit_many(task: Any, items: Iterable[Item], **options: Any) -> list[str]:
    """Submit ``task`` (a task or its registered name) once for each item; the ids in their order.

    An item is a list or tuple of positional arguments, or a dict of keyword arguments. ``options``
    are those of ``JobTask.apply_async``, the same for all; ``unique_key`` and ``task_id`` are not
    among them. All jobs are accepted in the caller's transaction, or none: BadItemError names the
    position (from 0) of the first item that was refused. Raises OneByOneError for an option of one
    job, and UnknownTaskError, UnknownQueueError and the like as ``submit`` does.
    """
    for name in OF_ONE_JOB:
        if options.get(name) is not None:
            raise OneByOneError(name)
    if isinstance(task, str):
        task = registered(task)
    if task.app.conf.task_always_eager:
        return [_eagerly(task, item, options) for item in items]
    timing = Timing.taken_from(options)
    ids: list[str] = []
    deliveries: list[Delivery] = []
    room = outbox.room_for_many()
    messages = _messages(task, items, options)
    # Nothing remains of what was inserted before a bad item, nor in the caller's transaction.
    with transaction.atomic():
        while chunk := list(islice(messages, CHUNK)):
            insert_new_jobs(chunk, timing)
            ids += [message.task_id for message in chunk]
            # The rest would only fill the memory: the dispatcher sends it from the ledger.
            ahead = chunk[: max(0, room - len(deliveries))]
            deliveries += [Delivery(message=message, attempt=1) for message in ahead]
        if not timing.is_later:
            outbox.send_all_after_commit(deliveries)
    return ids


def _messages(task: Any, items: Iterable[Item], options: dict[str, Any]) -> Iterator[Message]:
    make = task.message_maker(options)
    for position, item in enumerate(items):
        args, kwargs = _arguments(item, position)
        try:
            yield make(args, kwargs)
        except (JobError, TypeError) as error:
            raise BadItemError(position, error) from error


def _arguments(item: Item, position: int) -> tuple[Any, Any]:
    if isinstance(item, dict):
        return (), item
    if isinstance(item, (list, tuple)):
        return item, {}
    reason = f"neither a list or tuple of arguments nor a dict, but {item!r:.80}."
    raise BadItemError(position, reason)


def _eagerly(task: Any, item: Item, options: dict[str, Any]) -> str:
    args, kwargs = _arguments(item, 0)
    return str(task.apply_async(args, kwargs, **options).id)
