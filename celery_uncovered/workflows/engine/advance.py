"""What a job that advances runs does."""

from collections.abc import Sequence

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import claims, recovery
from celery_uncovered.workflows.engine.hub import Hub


def advance(run_ids: Sequence[str], *, queue: str, job: str) -> None:
    """Claim runs and advance them. A job that is executed again first tells what it held."""
    recovery.let_go_of(job)
    hub = Hub(
        more=lambda room: claims.claim_ready(queue, job=job, limit=room),
        is_stopping=jobs.is_stopping,
    )
    hub.run(claims.claim_runs(run_ids, job=job))
