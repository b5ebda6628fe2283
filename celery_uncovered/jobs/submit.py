"""Accepting a job: its row in the caller's transaction, its message after the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import RLock
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils import timezone

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.errors import (
    UnknownExchangeError,
    UnknownQueueError,
    UnknownTaskError,
)
from celery_uncovered.jobs.insert import Key, insert_job, insert_jobs, row_of
from celery_uncovered.jobs.messages import Message
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.timing import Timing
from celery_uncovered.jobs.unique import holder_of

_importing = RLock()
_gathered: ContextVar[list[tuple[Message, Timing]] | None] = ContextVar("gathered", default=None)


def submit_job(task: Any, *, args: Any = (), kwargs: Any = None, **options: Any) -> str:
    """Submit ``task`` (a task or its registered name) and return the id of its job.

    ``options`` are those of ``JobTask.apply_async``. Raises UnknownTaskError, UnknownQueueError and
    what ``apply_async`` raises.
    """
    if isinstance(task, str):
        task = registered(task)
    return str(task.apply_async(args=args, kwargs=kwargs, **options).id)


def check_queue(options: dict[str, Any]) -> None:
    """Raise where a message would reach no queue that the settings list.

    UnknownQueueError for a queue or routing key, UnknownExchangeError for an exchange. Celery's
    ``task_create_missing_queues`` makes any other queue when it is named.
    """
    if not options.keys() & {"queue", "routing_key", "exchange"}:
        return
    known: Any = current_app.amqp.queues
    if known.create_missing:
        return
    exchange = options.get("exchange")
    name = getattr(exchange, "name", exchange)
    exchanges = {one.exchange.name for one in known.values()}
    # The nameless exchange leads to the queue that the routing key names.
    if name and name not in exchanges:
        raise UnknownExchangeError(str(name), list(exchanges))
    queue = options.get("queue")
    name = getattr(queue, "name", queue)
    if name is not None and name not in known:
        raise UnknownQueueError(str(name), list(known))
    key = options.get("routing_key")
    if key is not None and key not in {one.routing_key for one in known.values()}:
        raise UnknownQueueError(str(key), list(known))


def import_tasks() -> None:
    """Import the apps' task modules, which nobody has done yet outside of a worker.

    One thread does it and the others wait: Celery tells a second caller at once that it is done.
    """
    with _importing:
        _import_once()


@cache
def _import_once() -> None:
    current_app.loader.import_default_modules()


def registered(name: str) -> Any:
    if name not in current_app.tasks:
        import_tasks()
    try:
        return current_app.tasks[name]
    except KeyError:
        raise UnknownTaskError(name) from None


def accept(
    message: Message, *, timing: Timing, key: Key | None = None, is_new: bool = False
) -> str:
    """Insert the job of ``message`` and have it sent after the commit; return the job's id.

    With a ``key`` that a live job holds, that job's id is returned. A job that exists already
    under the message's own id is continued where it handed over, and otherwise left alone.
    ``is_new`` says that the id was made for this message, so that no job can have it.
    """
    gathered = _gathered_now()
    if gathered is not None and key is None:
        gathered.append((message, timing))
        return message.task_id
    if not is_new and Job.objects.filter(id=message.task_id).exists():
        # Before anything is written: a chord's callback brings all its parts' results with it.
        continue_job(message, timing)
        return message.task_id
    while not insert_job(row_of(message, timing, key)):
        holder = holder_of(key) if key is not None else None
        if holder is not None:
            return holder
        if key is None or Job.objects.filter(id=message.task_id).exists():
            continue_job(message, timing)
            return message.task_id
        # The key's holder ended between the insert and the look, or its window: the key is free.
    if not timing.is_later:
        outbox.send_after_commit(message, attempt=1)
    return message.task_id


@contextmanager
def together() -> Iterator[None]:
    """Insert the jobs that are accepted within in one statement, at its end; none if it raises."""
    gathered: list[tuple[Message, Timing]] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    accept_all(gathered)


def accept_all(gathered: list[tuple[Message, Timing]]) -> None:
    """Insert the jobs of these messages in one statement, and have them sent after the commit."""
    if not gathered:
        return
    with transaction.atomic(savepoint=False):
        inserted = insert_jobs([row_of(message, timing) for message, timing in gathered])
        for message, timing in gathered:
            if message.task_id not in inserted:
                continue_job(message, timing)
            elif not timing.is_later:
                outbox.send_after_commit(message, attempt=1)


def _gathered_now() -> list[tuple[Message, Timing]] | None:
    """Where the jobs accepted now are gathered: what follows a success is accepted with it."""
    gathered = _gathered.get()
    if gathered is not None:
        return gathered
    attempt = running_attempt()
    return attempt.followers if attempt is not None and attempt.has_returned else None


def continue_job(message: Message, timing: Timing) -> bool:
    """Go on with a job that handed over, as the task of ``message``; False if it is not waiting."""
    now = timezone.now()
    with transaction.atomic(savepoint=False):
        waiting = Job.objects.filter(id=message.task_id, state=State.STARTED, lease_node=None)
        changed = waiting.update(
            task=message.task,
            queue=message.queue,
            body=message.body,
            message=message.envelope(),
            state=State.SCHEDULED if timing.is_later else State.QUEUED,
            due_at=timing.due_at,
            expires_at=timing.expires_at,
            queued_at=now,
            published_at=None,
        )
        if changed and not timing.is_later:
            attempt = Job.objects.values_list("attempt", flat=True).get(id=message.task_id)
            outbox.send_after_commit(message, attempt=attempt + 1)
    return bool(changed)
