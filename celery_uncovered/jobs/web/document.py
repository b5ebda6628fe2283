"""The status of a job as the JSON document that scripts and pages poll."""

import hashlib
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse
from django.utils import timezone

from celery_uncovered.jobs.status import ArtifactInfo, JobStatus

_ENCODER = DjangoJSONEncoder(sort_keys=True, ensure_ascii=False)
#: For jobs of at most that age, the seconds after which asking again makes sense.
_RHYTHM = ((timedelta(seconds=10), 1), (timedelta(minutes=1), 2))
_SLOWEST = 5


def status_document(status: JobStatus) -> dict[str, Any]:
    progress = status.progress
    return {
        "task_id": status.task_id,
        "state": str(status.state),
        "is_final": status.is_final,
        "progress": {"done": progress.done, "total": progress.total, "note": progress.note},
        "queue_position": status.queue_position,
        "result": status.result,
        "error": status.error or None,
        "artifacts": [_artifact(status.task_id, artifact) for artifact in status.artifacts],
    }


def as_json(value: Any) -> str:
    return _ENCODER.encode(value)


def fingerprint(*values: Any) -> str:
    """The same text for the same values, as the inner part of an ETag."""
    return hashlib.sha256(as_json(values).encode()).hexdigest()[:32]


def retry_after(status: JobStatus) -> int | None:
    """Seconds until the next look makes sense; None for a job that has ended."""
    if status.is_final:
        return None
    age = timezone.now() - status.created_at
    return next((seconds for limit, seconds in _RHYTHM if age < limit), _SLOWEST)


def _artifact(task_id: str, artifact: ArtifactInfo) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "size": artifact.size,
        "url": reverse("jobs:artifact", args=[task_id, artifact.name]),
        "expires": artifact.expires,
    }
