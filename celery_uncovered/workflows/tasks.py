"""The job that advances runs."""

from typing import Any

from celery import shared_task

from celery_uncovered.workflows.engine.advance import advance

#: Long enough for any step; a step has a time-out of its own.
FOR_EVER = 10.0**7


@shared_task(  # type: ignore[untyped-decorator,call-overload]  # the stubs know no limits
    bind=True, time_limit=FOR_EVER, soft_time_limit=FOR_EVER, ignore_result=True
)
def advance_runs(self: Any, run_ids: list[str], queue: str) -> int:
    """Advance these runs, and others of the queue that are ready; how many were given."""
    advance(run_ids, queue=queue, job=str(self.request.id))
    return len(run_ids)
