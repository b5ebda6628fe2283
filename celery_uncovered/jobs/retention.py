"""Retention: what has ended goes after a time, in small steps, and whole families at once.

A job is due to go when it ended well or was cancelled ``JOBS_KEEP_DAYS`` ago, or failed
``JOBS_KEEP_FAILED_DAYS`` ago and was discarded; 0 keeps for ever, and so do dead letters until
somebody tends them. A family (the jobs of one ``root_id``) goes only when all of it is due, with its
attempts, logs, results, artifacts, chords and readers. Occurrences of schedules go as what ended well
does, but no sooner than their jobs.

A pass is a generator of steps. Each is one short transaction or one folder, so that whoever runs it
may stop after any of them and go on later, and no other writer waits longer than for one step.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django_celery_results.models import GroupResult, TaskResult

from celery_uncovered.jobs.artifacts import discard_file, stored_files
from celery_uncovered.jobs.models import (
    Artifact,
    Attempt,
    Chord,
    Job,
    LogPart,
    Occurrence,
    Reader,
)
from celery_uncovered.jobs.states import FINAL, State
from celery_uncovered.jobs.task_log.files import discard_old as discard_old_logs

#: Rows that one transaction removes of a table, and families that one look takes up.
BATCH = 200
#: A file without a row may be one that is being written; a day later it is not.
ORPHANED_AFTER = timedelta(days=1)

#: What was removed, or would be, by its kind.
Counts = Counter[str]
KINDS = (
    "jobs",
    "attempts",
    "log parts",
    "results",
    "artifacts",
    "orphan files",
    "chords",
    "readers",
    "log files",
    "occurrences",
)
#: The tables that go with a job by Django's cascade, and are counted.
CASCADED = (
    ("jobs", Job),
    ("attempts", Attempt),
    ("log parts", LogPart),
    ("readers", Reader),
)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is due to go: what ended before these moments. None keeps for ever."""

    ended_before: datetime | None
    failed_before: datetime | None
    now: datetime

    @classmethod
    def of_settings(cls) -> "Policy":
        now = timezone.now()
        return cls(
            ended_before=_days_ago(now, settings.JOBS_KEEP_DAYS),
            failed_before=_days_ago(now, settings.JOBS_KEEP_FAILED_DAYS),
            now=now,
        )

    def is_due(
        self, state: str, finished_at: datetime | None, discarded_at: datetime | None
    ) -> bool:
        """Whether a job is due to go, its family left aside."""
        if state not in FINAL or finished_at is None:
            return False
        bound = self.bound_of(State(state))
        is_tended = state != State.FAILURE or discarded_at is not None
        return bound is not None and is_tended and finished_at < bound

    def due(self, state: State) -> Q:
        """The same as a condition, for one final state: an OR of all makes SQLite read every job."""
        due = Q(state=state, finished_at__lt=self.bound_of(state), finished_at__isnull=False)
        return due & Q(discarded_at__isnull=False) if state == State.FAILURE else due

    def bound_of(self, state: State) -> datetime | None:
        return self.failed_before if state == State.FAILURE else self.ended_before


@dataclass(kw_only=True)
class Purge:
    """A pass over everything that is due to go, in steps; ``dry`` ones only count."""

    policy: Policy = field(default_factory=Policy.of_settings)
    dry: bool = False
    counts: Counts = field(default_factory=Counter)
    _steps: Iterator[None] | None = None
    _expired_with_jobs: int = 0

    def go_on(self, seconds: float | None = None) -> bool:
        """Do at least one step, and more until ``seconds`` have passed; True when all is done."""
        deadline = None if seconds is None else time.monotonic() + seconds
        if self._steps is None:
            self._steps = self._all()
        try:
            for _ in self._steps:
                if deadline is not None and time.monotonic() >= deadline:
                    return False
        except BaseException:
            # A generator that raised is over: the next one begins anew, with what is still there.
            self._steps = None
            raise
        return True

    def _all(self) -> Iterator[None]:
        for state in FINAL:
            yield from self._families(state)
        yield from self._copies_of_none()
        yield from self._occurrences()
        yield from self._expired_artifacts()
        yield from self._orphan_files()
        yield from self._log_files()

    # --- families --------------------------------------------------------------------------------
    def _families(self, state: State) -> Iterator[None]:
        """Those whose root is in ``state``, oldest first."""
        bound = self.policy.bound_of(state)
        if bound is None:
            return
        # Each family is met once: at its root, or, where that is gone, at any of it.
        rootless = ~Exists(Job.objects.filter(id=OuterRef("root_id")))
        roots = Job.objects.filter(self.policy.due(state), Q(root_id=F("id")) | rootless)
        roots = roots.filter(created_at__lt=bound).order_by("created_at", "id")
        last: tuple[datetime, str] | None = None
        met: set[str] = set()
        while True:
            rest = roots
            if last is not None:
                rest = roots.filter(created_at__gte=last[0]).exclude(
                    created_at=last[0], id__lte=last[1]
                )
            found = list(rest.values_list("created_at", "id", "root_id")[:BATCH])
            if not found:
                return
            last = found[-1][:2]
            families = {root for _, _, root in found} - met
            met |= {root for _, id_, root in found if id_ != root}
            yield from self._remove_families(self._wholly_due(families))

    def _wholly_due(self, roots: Collection[str]) -> list[str]:
        """The families without a job that is kept."""
        kept = Job.objects.filter(root_id__in=roots)
        for state in FINAL:
            if self.policy.bound_of(state) is not None:
                kept = kept.exclude(self.policy.due(state))
        return sorted(set(roots) - set(kept.values_list("root_id", flat=True).distinct()))

    def _remove_families(self, roots: list[str]) -> Iterator[None]:
        """The parts first: a family that is left half removed is still found by its root."""
        if self.dry:
            self.counts += _counted(Job.objects.filter(root_id__in=roots))
            expired = Artifact.objects.filter(expires_at__lte=self.policy.now)
            self._expired_with_jobs += expired.filter(job__root_id__in=roots).count()
            going = Job.objects.filter(root_id__in=roots).values("id")
            self.counts["occurrences"] += self._old_occurrences().filter(task_id__in=going).count()
            yield
            return
        parts = Job.objects.filter(root_id__in=roots).exclude(id__in=roots)
        while removed := self._remove_some(parts):
            self.counts += removed
            yield
        # A part may have been retried meanwhile.
        self.counts += self._remove_some(Job.objects.filter(id__in=self._wholly_due(roots)))
        yield

    def _remove_some(self, jobs: Any) -> Counts:
        ids = list(jobs.values_list("id", flat=True)[:BATCH])
        return _remove_jobs(ids, self.policy) if ids else Counter()

    # --- what has no job -------------------------------------------------------------------------
    def _copies_of_none(self) -> Iterator[None]:
        """django-celery-results' rows of no job: of another program, or of a time before this one."""
        if self.policy.ended_before is None:
            return
        known = Job.objects.filter(id=OuterRef("task_id"))
        old = TaskResult.objects.filter(date_done__lt=self.policy.ended_before)
        yield from self._remove_rows("results", old.filter(~Exists(known)).order_by("date_done"))
        # Groups that somebody saved: by their age alone, since jobs are not found by their group.
        groups = GroupResult.objects.filter(date_done__lt=self.policy.ended_before)
        yield from self._remove_rows("results", groups.order_by("date_done"))

    def _occurrences(self) -> Iterator[None]:
        """Those of jobs that are gone, and of none; a dry pass has counted the jobs' already."""
        known = Job.objects.filter(id=OuterRef("task_id"))
        gone = self._old_occurrences().filter(~Exists(known))
        yield from self._remove_rows("occurrences", gone.order_by("created_at"))

    def _old_occurrences(self) -> Any:
        bound = self.policy.ended_before
        return (
            Occurrence.objects.filter(created_at__lt=bound) if bound else Occurrence.objects.none()
        )

    def _expired_artifacts(self) -> Iterator[None]:
        expired = Artifact.objects.filter(expires_at__lte=self.policy.now)
        if self.dry:
            self.counts["artifacts"] += expired.count() - self._expired_with_jobs
            yield
            return
        while ids := list(expired.order_by("expires_at").values_list("pk", flat=True)[:BATCH]):
            with transaction.atomic():
                self.counts["artifacts"] += _remove_artifacts(Artifact.objects.filter(pk__in=ids))
            yield

    def _orphan_files(self) -> Iterator[None]:
        """Files of no row: their transaction failed, or the process died before it, or after it."""
        bound = self.policy.now - ORPHANED_AFTER
        for files in stored_files(older_than=bound):
            known = Artifact.objects.filter(file__in=files).values_list("file", flat=True)
            for orphan in set(files) - set(known):
                if not self.dry:
                    discard_file(orphan)
                self.counts["orphan files"] += 1
            yield

    def _log_files(self) -> Iterator[None]:
        """What tasks logged to files of this machine, and nobody has added to since."""
        if self.policy.ended_before is None:
            return
        for _ in discard_old_logs(self.policy.ended_before.timestamp(), dry=self.dry):
            self.counts["log files"] += 1
            yield

    def _remove_rows(self, kind: str, rows: Any) -> Iterator[None]:
        if self.dry:
            self.counts[kind] += rows.count()
            yield
            return
        while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            self.counts[kind] += rows.model.objects.filter(pk__in=ids).delete()[0]
            yield


def _remove_jobs(ids: list[str], policy: Policy) -> Counts:
    """Remove these jobs and all that is theirs, but for those that were retried meanwhile."""
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(id__in=ids)
        rows = locked.values_list("id", "group_id", "state", "finished_at", "discarded_at")
        found = {
            id_: group
            for id_, group, state, finished, discarded in rows
            if policy.is_due(state, finished, discarded)
        }
        jobs = Job.objects.filter(id__in=found)
        removed = _removed_with(list(found), {group for group in found.values() if group})
        removed["artifacts"] = _remove_artifacts(Artifact.objects.filter(job_id__in=found))
        # The rest goes by Django's cascade, also tables that other apps hang on a job.
        by_table = jobs.only("id").delete()[1]
        for kind, model in CASCADED:
            removed[kind] = by_table.get(f"jobs.{model.__name__}", 0)
    return +removed


def _removed_with(ids: list[str], groups: set[str]) -> Counts:
    results = TaskResult.objects.filter(task_id__in=ids).delete()[0]
    chords = Chord.objects.filter(Q(body_id__in=ids) | Q(group_id__in=groups)).delete()[0]
    return Counter(results=results, chords=chords)


def _remove_artifacts(artifacts: Any) -> int:
    """Row, then file: a file without a row is an orphan, a row without a file a broken link."""
    files = list(artifacts.values_list("file", flat=True))
    for file in files:
        transaction.on_commit(partial(discard_file, file))
    artifacts.delete()
    return len(files)


def _counted(jobs: Any) -> Counts:
    ids, groups = jobs.values("id"), jobs.exclude(group_id=None).values("group_id")
    chords = Chord.objects.filter(Q(body_id__in=ids) | Q(group_id__in=groups))
    return Counter(
        {
            "jobs": jobs.count(),
            "attempts": Attempt.objects.filter(job_id__in=ids).count(),
            "log parts": LogPart.objects.filter(job_id__in=ids).count(),
            "results": TaskResult.objects.filter(task_id__in=ids).count(),
            "artifacts": Artifact.objects.filter(job_id__in=ids).count(),
            "chords": chords.count(),
            "readers": Reader.objects.filter(job_id__in=ids).count(),
        }
    )


def _days_ago(now: datetime, days: float) -> datetime | None:
    return now - timedelta(days=days) if days else None
