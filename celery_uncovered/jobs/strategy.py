"""How a worker takes a job's message: Celery's own strategy, with the claim around its tracer."""

import logging
from collections.abc import Callable
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.app.base import Celery
from celery.worker.strategy import default
from django.db import connection

from celery_uncovered.jobs import node, recovery
from celery_uncovered.jobs.perform import perform

log = logging.getLogger(__name__)


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
    except Exception as error:  # noqa: BLE001  # Celery's own handling must follow, whatever it is
        log.warning("Job %s of a dead worker process waits for recovery: %s", task_id, error)
    finally:
        connection.close()
