"""Claiming runs: one guarded UPDATE gives a run a new epoch, and its history is loaded."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.definitions import find_workflow
from celery_uncovered.workflows.engine import statements
from celery_uncovered.workflows.engine.history import History, Record, StoredWait
from celery_uncovered.workflows.engine.rows import ClaimedRun
from celery_uncovered.workflows.errors import UnknownWorkflowError
from celery_uncovered.workflows.models import Run, Step, Wait
from celery_uncovered.workflows.states import RunState
from celery_uncovered.workflows.values import decode

OF_CLAIMED = ("id", "epoch", "workflow", "args", "history_from", "events_since", "crashes", "scope")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that is ours to advance; ``problem`` says why that is not possible here."""

    run: ClaimedRun
    history: History
    function: Callable[[], Any]
    problem: Exception | None = None


def claim_runs(run_ids: Sequence[str], *, job: str) -> list[Claim]:
    """Claim those of ``run_ids`` that are ready, for the job with this id."""
    if connection.vendor == "postgresql":
        return _with_histories(statements.claim_runs(run_ids, job=job))
    return _with_histories(_claim(Q(id__in=run_ids), job=job, limit=len(run_ids)))


def claim_ready(queue: str, *, job: str, limit: int) -> list[Claim]:
    """Claim runs of a queue that are ready, those that have waited longest first.

    None of a queue that is paused: what its workers have begun goes on, and nothing else.
    """
    if queue in jobs.paused_queues():
        return []
    if connection.vendor == "postgresql":
        return _with_histories(statements.claim_ready(queue, job=job, limit=limit))
    return _with_histories(_claim(Q(queue=queue), job=job, limit=limit))


def with_history(run: Run) -> Claim:
    """A run as it is, for looking at: nothing is claimed."""
    looked_at = ClaimedRun(*(getattr(run, name) for name in OF_CLAIMED))._replace(epoch=2)
    (claim,) = _with_histories([looked_at])
    return claim


def code_of(name: str) -> str:
    try:
        return find_workflow(name).code
    except UnknownWorkflowError:
        return ""


def _claim(which: Q, *, job: str, limit: int) -> list[ClaimedRun]:
    """On SQLite, where nobody else writes meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        ready = Run.objects.filter(which, state=RunState.READY).order_by("since")
        rows = list(ready.values_list(*OF_CLAIMED)[:limit])
        if rows:
            Run.objects.filter(id__in=[row[0] for row in rows]).update(
                state=RunState.RUNNING,
                epoch=F("epoch") + 1,
                since=now,
                lease_job=job,
                started_at=Coalesce("started_at", Value(now)),
            )
    return [ClaimedRun.of(row)._replace(epoch=row[1] + 1) for row in rows]


def _with_histories(runs: Sequence[ClaimedRun]) -> list[Claim]:
    """Load what the runs have recorded, in two queries for all of them."""
    old = {run.id: run for run in runs if run.epoch > 1}
    histories: defaultdict[str, History] = defaultdict(History)
    if old:
        _load_steps(old, histories)
        _load_waits(old, histories)
    return [_claim_of(run, histories[run.id]) for run in runs]


def _load_steps(runs: dict[str, ClaimedRun], histories: dict[str, History]) -> None:
    steps = Step.objects.filter(run_id__in=runs).order_by("run_id", "number")
    columns = ("branch", "label", "kind", "digest", "is_error", "value")
    for run_id, number, *rest in steps.values_list("run_id", "number", *columns):
        history = histories[run_id]
        history.next_number = number + 1
        if number >= runs[run_id].history_from:
            record = Record(*rest)
            history.records.setdefault(record.branch, []).append(record)
            history.count += 1


def _load_waits(runs: dict[str, ClaimedRun], histories: dict[str, History]) -> None:
    columns = ("kind", "key", "attempts", "due_at", "error")
    waits = Wait.objects.filter(run_id__in=runs)
    for run_id, branch, label, *rest in waits.values_list("run_id", "branch", "label", *columns):
        histories[run_id].waits[branch, label] = StoredWait(*rest)


def _claim_of(run: ClaimedRun, history: History) -> Claim:
    try:
        function = find_workflow(run.workflow).function
        secrets: list[Any] = []
        args, kwargs = decode(run.args, secrets)
    except (UnknownWorkflowError, jobs.SealBrokenError) as error:
        return Claim(run=run, history=history, function=lambda: None, problem=error)
    call = partial(function, *args, **kwargs)
    if secrets:
        call = partial(_knowing, secrets, call)
    return Claim(run=run, history=history, function=call)


def _knowing(secrets: list[Any], call: Callable[[], Any]) -> Any:
    """What was sealed in its arguments is secret wherever the run says it: its steps inherit the context."""
    jobs.learn_secrets(secrets)
    return call()
