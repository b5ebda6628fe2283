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
from celery_uncovered.jobs.errors import UnknownQueueError, UnknownTaskError
from celery_uncovered.jobs.messages import Message
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import FINAL, State
from celery_uncovered.jobs.timing import Timing

_importing = RLock()
_gathered: ContextVar[list[tuple[Message, Timing]] | None] = ContextVar("gathered", default=None)


def submit_job(task: Any, *, args: Any = (), kwargs: Any = None, **options: Any) -> str:
    """Submit ``task`` (a task or its registered name) and return the id of its job.

    ``options`` are those of ``JobTask.apply_async``. Raises UnknownTaskError, UnknownQueueError and
    what ``apply_async`` raises.
    """
    if isinstance(task, str):
        task = _registered(task)
    return str(task.apply_async(args=args, kwargs=kwargs, **options).id)


def check_queue(options: dict[str, Any]) -> None:
    """Raise UnknownQueueError where a message would reach no queue that the settings list.

    Celery's ``task_create_missing_queues`` makes any other one when it is named.
    """
    known: Any = current_app.amqp.queues
    if known.create_missing:
        return
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


def _registered(name: str) -> Any:
    if name not in current_app.tasks:
        import_tasks()
    try:
        return current_app.tasks[name]
    except KeyError:
        raise UnknownTaskError(name) from None


def accept(
    message: Message, *, timing: Timing, unique_key: str | None = None, is_new: bool = False
) -> str:
    """Insert the job of ``message`` and have it sent after the commit; return the job's id.

    With a ``unique_key`` that a live job holds, that job's id is returned. A job that exists
    already under the message's own id is continued where it handed over, and otherwise left alone.
    ``is_new`` says that the id was made for this message, so that no job can have it.
    """
    gathered = _gathered.get()
    if gathered is not None and unique_key is None:
        gathered.append((message, timing))
        return message.task_id
    if not is_new and Job.objects.filter(id=message.task_id).exists():
        # Before anything is written: a chord's callback brings all its parts' results with it.
        continue_job(message, timing)
        return message.task_id
    while True:
        if _insert([row_of(message, timing, unique_key)]):
            if not timing.is_later:
                outbox.send_after_commit(message, attempt=1)
            return message.task_id
        holder = live_job_with(unique_key) if unique_key is not None else None
        if holder is not None:
            return holder
        if unique_key is None or Job.objects.filter(id=message.task_id).exists():
            continue_job(message, timing)
            return message.task_id
        # The key's holder ended between the insert and the look: the key is free now.


@contextmanager
def together() -> Iterator[None]:
    """Insert the jobs that are accepted within in one statement, at its end; none if it raises."""
    gathered: list[tuple[Message, Timing]] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    inserted = _insert([row_of(message, timing) for message, timing in gathered])
    for message, timing in gathered:
        if message.task_id not in inserted:
            continue_job(message, timing)
        elif not timing.is_later:
            outbox.send_after_commit(message, attempt=1)


def live_job_with(unique_key: str) -> str | None:
    live = Job.objects.filter(unique_key=unique_key).exclude(state__in=FINAL)
    return live.values_list("id", flat=True).first()


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


def _insert(jobs: list[Job]) -> set[str]:
    """Insert the rows whose ids and live keys are free; the ids of those that were inserted."""
    with transaction.atomic(savepoint=False):
        Job.objects.bulk_create(jobs, ignore_conflicts=True)
        # The stamp tells our row from one that was there: ids may be given by the caller.
        stamps = Job.objects.filter(id__in=[job.id for job in jobs]).values_list("id", "created_at")
        ours = {(job.id, job.created_at) for job in jobs}
        return {task_id for task_id, created_at in stamps if (task_id, created_at) in ours}


def row_of(message: Message, timing: Timing, unique_key: str | None = None) -> Job:
    now = timezone.now()
    headers = message.headers
    return Job(
        id=message.task_id,
        task=message.task,
        queue=message.queue,
        state=State.SCHEDULED if timing.is_later else State.QUEUED,
        body=message.body,
        message=message.envelope(),
        unique_key=unique_key,
        root_id=headers.get("root_id") or message.task_id,
        parent_id=headers.get("parent_id"),
        group_id=headers.get("group"),
        created_at=now,
        due_at=timing.due_at,
        expires_at=timing.expires_at,
        queued_at=None if timing.is_later else now,
    )
