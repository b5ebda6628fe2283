"""How a worker takes a job's message: Celery's own strategy, with the claim around its tracer."""

import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from billiard.exceptions import WorkerLostError
from celery.app.base import Celery
from celery.concurrency.prefork import TaskPool
from celery.exceptions import InvalidTaskError
from celery.worker.strategy import default
from django.db import connection
from kombu.exceptions import ContentDisallowed, DecodeError

from celery_uncovered.jobs import node
from celery_uncovered.jobs.messages import ATTEMPT_HEADER, full_headers
from celery_uncovered.jobs.worker import lost
from celery_uncovered.jobs.worker.board import has_board, worker_board
from celery_uncovered.jobs.worker.gather import Gatherer
from celery_uncovered.jobs.worker.perform import perform

log = logging.getLogger(__name__)


_gatherers: WeakKeyDictionary[Any, tuple[Any, Gatherer]] = WeakKeyDictionary()


def job_strategy(task: Any, app: Celery, consumer: Any, **kwargs: Any) -> Callable[..., Any]:
    """Celery's default strategy over a pool that claims each job before it is traced.

    In a prefork worker messages are gathered first, and those of small jobs go to a child together.
    """
    gatherer = gatherer_of(consumer)
    handle_full = default(task, app, _ClaimingConsumer(consumer, gatherer), **kwargs)

    def handle(message: Any, *more: Any) -> Any:
        if ATTEMPT_HEADER in message.headers:
            message.headers = full_headers(message.headers)
        return handle_full(message, *more)

    if gatherer is None:
        return handle

    def gather(message: Any, body: Any, *more: Any) -> Any:
        if body is not None or "args" in message.headers:
            # An older protocol: Celery translates it.
            return handle(message, body, *more)
        return gatherer.take(
            message, task, lambda: _guarded(consumer, message, lambda: handle(message, body, *more))
        )

    return gather


def _guarded(consumer: Any, message: Any, handle: Callable[[], Any]) -> None:
    """What Celery does around a strategy, which it has left when the message goes alone."""
    try:
        handle()
    except (InvalidTaskError, ContentDisallowed) as error:
        consumer.on_invalid_task(None, message, error)
    except DecodeError as error:
        consumer.on_decode_error(message, error)
    except (*consumer.connection_errors, *consumer.channel_errors):
        raise
    except Exception as error:
        log.exception("A message could not be taken")
        consumer.on_stumble(message, error)


def gatherer_of(consumer: Any) -> Gatherer | None:
    """The consumer's gatherer, forgetful after each connection; None but for prefork in a loop."""
    if not isinstance(consumer.pool, TaskPool) or consumer.hub is None or not has_board():
        return None
    known = _gatherers.get(consumer)
    if known is None:
        known = (consumer.connection, Gatherer(consumer, worker_board()))
    elif known[0] is not consumer.connection:
        known[1].forget()
        known = (consumer.connection, known[1])
    _gatherers[consumer] = known
    return known[1]


class _ClaimingConsumer:
    """Celery's consumer as it is, but for its pool."""

    def __init__(self, consumer: Any, gatherer: Gatherer | None) -> None:
        self._consumer = consumer
        self.pool = _ClaimingPool(consumer.pool, gatherer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


class _ClaimingPool:
    """Celery's pool as it is, but for what it runs, and for what a lost child leaves behind."""

    def __init__(self, pool: Any, gatherer: Gatherer | None) -> None:
        self._pool = pool
        self._gatherer = gatherer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def apply_async(
        self,
        trace: Any,
        args: tuple[Any, ...],
        callback: Any,
        error_callback: Any,
        **options: Any,
    ) -> Any:
        name, task_id, *_ = args
        gatherer = self._gatherer

        def on_success(outcome: Any, *more: Any, **rest: Any) -> Any:
            failed, _, seconds = outcome
            done = callback(outcome, *more, **rest)
            if gatherer is not None:
                gatherer.on_done_alone(name, task_id, None if failed else seconds)
            return done

        def on_error(error_info: Any, *more: Any, **rest: Any) -> Any:
            # The pool wraps the error to carry its traceback.
            error = getattr(error_info.exception, "exc", error_info.exception)
            if isinstance(error, WorkerLostError):
                bring_back_lost(task_id)
            done = error_callback(error_info, *more, **rest)
            if gatherer is not None:
                gatherer.on_done_alone(name, task_id, None)
            return done

        if gatherer is not None:
            gatherer.on_sent_alone(task_id)
        return self._pool.apply_async(
            perform,
            args=(trace, *args),
            callback=on_success,
            error_callback=on_error,
            **options,
        )


def bring_back_lost(task_id: str) -> None:
    """Queue the job of a dead child again; the message that Celery hands back is then stale."""
    try:
        lost.recover_lost_children(node.worker_node().id)
    except Exception as error:  # noqa: BLE001  # Celery's own handling must follow, whatever it is
        log.warning("Job %s of a dead worker process waits for recovery: %s", task_id, error)
    finally:
        connection.close()
