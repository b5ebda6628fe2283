"""``send_task`` by name, in a process of this project: what it sends is a job like any other.

Celery has no hook between a message and its sending but the application's own method, which
``Task.apply_async`` ends in as well; so that method is wrapped, once for each application.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery_uncovered.jobs.capture import CapturingProducer
from celery_uncovered.jobs.ids import new_id
from celery_uncovered.jobs.inherited import take_scope, with_scope
from celery_uncovered.jobs.submit import accept
from celery_uncovered.jobs.timing import Timing


def watch(app: Any) -> None:
    """Have ``app.send_task`` leave a row."""
    if not hasattr(app.send_task, "__wrapped__"):
        app.send_task = _as_jobs(app, app.send_task)


def _as_jobs(app: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def send_task(
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: Any = None,
        eta: Any = None,
        task_id: str | None = None,
        producer: Any = None,
        **options: Any,
    ) -> Any:
        known = app.tasks.get(name)
        options |= {"countdown": countdown, "eta": eta, "task_id": task_id}
        if (
            isinstance(producer, CapturingProducer)
            or not getattr(known, "is_job", known is None)
            or app.conf.task_always_eager
        ):
            return plain(name, args, kwargs, producer=producer, **options)
        if known is not None:
            return known.apply_async(args, kwargs, **options)
        return _send_unknown(app, plain, name, args, kwargs, **options)

    return send_task


def _send_unknown(
    app: Any,
    plain: Callable[..., Any],
    name: str,
    args: Any,
    kwargs: Any,
    *,
    task_id: str | None,
    **options: Any,
) -> Any:
    """Submit a task that this process does not know.

    One for a queue that the settings do not list is sent as it is: others may work there, and a row
    that nobody claims would be sent again and again.
    """
    options = with_scope(options, take_scope(options, task_id))
    capture: Any = CapturingProducer()
    kept = {key: value for key, value in options.items() if key not in {"connection", "publisher"}}
    timing = Timing.taken_from(kept)
    identity = task_id or new_id()
    result = plain(
        name, args, kwargs, task_id=identity, producer=capture, **kept | {"retry": False}
    )
    if capture.message.queue not in _listed_queues(app):
        return plain(name, args, kwargs, task_id=identity, **options)
    accept(capture.message, timing=timing, is_new=task_id is None)
    return result


def _listed_queues(app: Any) -> set[str]:
    listed = app.conf.task_queues or ()
    names = {queue if isinstance(queue, str) else str(queue.name) for queue in listed}
    return {app.conf.task_default_queue, *names}
