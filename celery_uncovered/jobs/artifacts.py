"""Files that jobs make: written whole under a temporary name, then in place, then a row."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from celery_uncovered.jobs.current import attempt_of, running_attempt
from celery_uncovered.jobs.errors import (
    ArtifactNotSavedError,
    AttemptFencedError,
    NoCurrentJobError,
)
from celery_uncovered.jobs.models import Artifact, Job, artifact_storage
from celery_uncovered.jobs.states import State

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}")


def save_artifact(
    name: str,
    content: IO[bytes],
    *,
    content_type: str = "application/octet-stream",
    task_id: str | None = None,
    lifetime: timedelta | None = None,
) -> Artifact:
    """Keep ``content`` as the file ``name`` of the running job (or of ``task_id``).

    A file of that name that an earlier attempt made is replaced. Readers see the whole file or
    none: the row comes after the file, and a failed write leaves neither. Raises
    ArtifactNotSavedError (disk full, and so on), NoCurrentJobError, ValueError for a name that is
    not letters, digits, ``.``, ``_`` and ``-``.
    """
    if not _NAME.fullmatch(name):
        message = f'"{name}" cannot name a file; use letters, digits, ".", "_" and "-".'
        raise ValueError(message)
    attempt = running_attempt()
    job_id = task_id or (attempt.task_id if attempt else None)
    if job_id is None:
        what = "save_artifact()"
        raise NoCurrentJobError(what)
    stored = _store(name, content)
    try:
        return _record(job_id, name, stored, content_type, lifetime)
    except BaseException:
        discard_file(stored)
        raise


def _store(name: str, content: IO[bytes]) -> str:
    """Write to a fresh name of the storage, which is nobody's file until a row names it."""
    folder = uuid.uuid4().hex
    storage = artifact_storage()
    wanted = f"{folder[:2]}/{folder}/{name}"
    try:
        return str(storage.save(wanted, File(content)))
    except OSError as error:
        discard_file(wanted)
        raise ArtifactNotSavedError(name, error.strerror or str(error)) from error


def _record(
    job_id: str, name: str, stored: str, content_type: str, lifetime: timedelta | None
) -> Artifact:
    now = timezone.now()
    with transaction.atomic():
        _refuse_stale_attempt(job_id)
        before = Artifact.objects.filter(job_id=job_id, name=name)
        old_files = list(before.values_list("file", flat=True))
        artifact, _ = Artifact.objects.update_or_create(
            job_id=job_id,
            name=name,
            defaults={
                "file": stored,
                "content_type": content_type,
                "size": artifact_storage().size(stored),
                "created_at": now,
                "expires_at": now + (lifetime or settings.JOBS_ARTIFACT_LIFETIME),
            },
        )
        for old in old_files:
            transaction.on_commit(partial(discard_file, old))
    return artifact


def _refuse_stale_attempt(job_id: str) -> None:
    """A worker that was taken for dead must not replace the file of the attempt after its own."""
    attempt = attempt_of(job_id)
    if attempt is None:
        return
    held = Job.objects.select_for_update().filter(
        id=job_id, attempt=attempt.number, state=State.STARTED, lease_node__isnull=False
    )
    if not held.exists():
        raise AttemptFencedError(job_id, attempt.number)


def stored_files(*, older_than: datetime) -> Iterator[list[str]]:
    """The names in the storage, folder by folder; what is younger than ``older_than`` is left out.

    Half-written drafts are among them.
    """
    storage = artifact_storage()
    for shard in _entries(storage, "")[0]:
        found = []
        for folder in _entries(storage, shard)[0]:
            path = f"{shard}/{folder}"
            for name in _entries(storage, path)[1]:
                with contextlib.suppress(FileNotFoundError):
                    if storage.get_modified_time(f"{path}/{name}") < older_than:
                        found.append(f"{path}/{name}")
        yield found


def discard_file(stored: str) -> None:
    """Delete a file of the storage, and its folder; fine if it is gone."""
    storage = artifact_storage()
    with contextlib.suppress(OSError):
        storage.delete(stored)
    with contextlib.suppress(OSError, NotImplementedError):
        Path(storage.path(stored)).parent.rmdir()


def _entries(storage: Any, folder: str) -> tuple[list[str], list[str]]:
    try:
        folders, files = storage.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    return sorted(folders), files
