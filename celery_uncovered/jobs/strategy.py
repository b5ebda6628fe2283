"""How a worker takes a job's message: Celery's own strategy, with the claim around its tracer."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from billiard.exceptions import WorkerLostError
from celery.app.base import Celery
from celery.exceptions import Reject
from celery.worker.strategy import default
from django.db import DatabaseError, InterfaceError, connection

from celery_uncovered.jobs import claim, node, receive, recovery, results
from celery_uncovered.jobs.current import running
from celery_uncovered.jobs.messages import ATTEMPT_HEADER

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How long a claim is tried again while the database does not answer, before it is handed back.
CLAIM_SECONDS = 10.0


def job_strategy(task: Any, app: Celery, consumer: Any, **kwargs: Any) -> Callable[..., Any]:
    """Celery's default strategy over a pool that claims each job before it is traced."""
    return default(task, app, _ClaimingConsumer(consumer), **kwargs)


class _ClaimingConsumer:
    """Celery's consumer as it is, but for its pool."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.pool = _ClaimingPool(consumer.pool)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


class _ClaimingPool:
    """Celery's pool as it is, but for what it runs, and for what a lost child leaves behind."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def apply_async(
        self, trace: Any, args: tuple[Any, ...], error_callback: Any, **options: Any
    ) -> Any:
        _, task_id, *_ = args

        def on_error(error_info: Any, *more: Any, **rest: Any) -> Any:
            # The pool wraps the error to carry its traceback.
            error = getattr(error_info.exception, "exc", error_info.exception)
            if isinstance(error, WorkerLostError):
                bring_back_lost(task_id)
            return error_callback(error_info, *more, **rest)

        return self._pool.apply_async(
            perform, args=(trace, *args), error_callback=on_error, **options
        )


def bring_back_lost(task_id: str) -> None:
    """Queue the job of a dead child again; the message that Celery hands back is then stale."""
    try:
        recovery.recover_lost_children(node.worker_node().id)
    except DatabaseError as error:
        log.warning("Job %s of a dead worker process waits for recovery: %s", task_id, error)
    finally:
        connection.close()


def perform(
    trace: Callable[..., Any],
    name: str,
    task_id: str,
    request: dict[str, Any],
    *message: Any,
) -> Any:
    """Claimed, traced, settled. Runs in the worker's child; returns what Celery's tracer returns."""
    number = request.get(ATTEMPT_HEADER) or _patiently(
        lambda: receive.attempt_of_foreign(name, task_id, request, message), task_id
    )
    request[ATTEMPT_HEADER] = number
    attempt = _patiently(lambda: claim.claim_job(task_id, attempt=number, task=name), task_id)
    if attempt is None:
        return 0, "'dropped'", 0.0
    with running(attempt):
        outcome = trace(name, task_id, request, *message)
        _patiently(lambda: results.settle_leftover(attempt), task_id)
    return outcome


def _patiently(act: Callable[[], T], task_id: str) -> T:
    """Do ``act``, again and again while the database does not answer; then hand the message back."""
    deadline = time.monotonic() + CLAIM_SECONDS
    while True:
        try:
            return act()
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            if time.monotonic() > deadline:
                log.warning("Job %s goes back to its queue: %s", task_id, error)
                raise Reject(str(error), requeue=True) from error
            time.sleep(0.2)
