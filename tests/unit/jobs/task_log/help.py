"""Attempts, and what is stored of what they said."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.models import LogPart
from celery_uncovered.jobs.task_log import capture


def attempt_at(task_id: str, number: int = 1, **fields: Any) -> RunningAttempt:
    own: dict[str, Any] = {"task": "tests.talk", "node": "here", "pid": 1}
    return RunningAttempt(
        task_id=task_id, number=number, started_at=timezone.now(), **{**own, **fields}
    )


def stored(task_id: str) -> str:
    parts = LogPart.objects.filter(job_id=task_id).order_by("start", "attempt")
    return "".join(parts.values_list("text", flat=True))


def said(text: str) -> list[str]:
    """Lines without their times."""
    return [line if line.startswith(" ") else line.partition(" ")[2] for line in text.splitlines()]


@contextmanager
def heard_streams() -> Iterator[None]:
    """A worker's streams in front of those of now."""
    before = sys.stdout, sys.stderr
    capture._hear_streams()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
