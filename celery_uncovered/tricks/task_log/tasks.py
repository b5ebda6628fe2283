"""Celery's edge: the task takes numbers, calls one function, returns."""

from typing import Any

from celery import shared_task

from celery_uncovered.tricks.task_log import baking
from celery_uncovered.tricks.task_log.errors import BakingError


@shared_task(bind=True, max_retries=2)
def bake_bread(self: Any, pause: float = 0.5) -> int:
    """Bake, looking every ``pause`` seconds; how many loaves."""
    try:
        return baking.bake(self.request.retries + 1, pause)
    except BakingError as error:
        raise self.retry(exc=error, countdown=2) from error
