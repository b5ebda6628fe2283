"""What an operator, or another program, does with a run: cancel, resume, fork."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import cancelling, waiting
from celery_uncovered.workflows.errors import NotSteerableError, RunNotFoundError
from celery_uncovered.workflows.handles import Handle
from celery_uncovered.workflows.models import Run, Step
from celery_uncovered.workflows.states import FINAL, LIVE, RunState

RESUMABLE = (RunState.BLOCKED, RunState.DEAD, RunState.FAILURE, RunState.CANCELLED)


def cancel(run_id: str) -> bool:
    """Cancel a run and the children that it has started; False if it was over before.

    A run that is being advanced stops at what it does next. Raises RunNotFoundError.
    """
    if not Run.objects.filter(id=run_id).exists():
        raise RunNotFoundError(run_id)
    return cancelling.cancel_family(run_id)


def cancel_many(run_ids: Iterable[str]) -> list[str]:
    """Those that were cancelled by this."""
    return [run_id for run_id in run_ids if cancel(run_id)]


def resume(run_id: str) -> None:
    """Let a run go on that is blocked, a dead letter, failed or cancelled.

    What it has recorded stands; a failed run tries the step again whose error ended it. Raises
    RunNotFoundError or NotSteerableError.
    """
    run = _run(run_id)
    if run.state not in RESUMABLE:
        reason = f"it is {run.state}"
        raise NotSteerableError(run_id, "resumed", reason)
    if run.key is not None and run.state in FINAL:
        holder = Run.objects.filter(workflow=run.workflow, key=run.key, state__in=LIVE).first()
        if holder is not None:
            reason = f'run {holder.id}, which lives, has its key "{run.key}"'
            raise NotSteerableError(run_id, "resumed", reason)
    with transaction.atomic():
        stopped = Run.objects.filter(id=run_id, state=run.state, epoch=run.epoch)
        if run.state == RunState.FAILURE:
            _forget_last_error(run)
        changed = stopped.update(
            state=RunState.READY,
            since=timezone.now(),
            cancel_requested=False,
            crashes=0,
            error="",
            error_type="",
            traceback="",
            blocked_code="",
            finished_at=None,
        )
        if changed:
            waiting.submit_advance([run.id], run.queue)


def resume_many(run_ids: Iterable[str]) -> list[str]:
    """Resume those of these runs that can be; which. Raises RunNotFoundError."""
    resumed = []
    for run_id in run_ids:
        with suppress(NotSteerableError):
            resume(run_id)
            resumed.append(run_id)
    return resumed


def fork_many(run_ids: Iterable[str], step: int) -> list[Handle[Any]]:
    """Fork each of these runs before the same step: all of them, or none."""
    with transaction.atomic():
        return [fork(run_id, step) for run_id in run_ids]


def fork(run_id: str, step: int) -> Handle[Any]:
    """Start another run like this one that has recorded what this one had before its step number ``step``.

    Raises RunNotFoundError, or NotSteerableError where there is no such step.
    """
    run = _run(run_id)
    steps = Step.objects.filter(run_id=run_id, number__gte=run.history_from)
    if not steps.filter(number__gte=step).exists() or step < run.history_from:
        reason = f"it has no step {step}"
        raise NotSteerableError(run_id, "forked", reason)
    now = timezone.now()
    other = Run(
        id=jobs.new_id(),
        workflow=run.workflow,
        queue=run.queue,
        args=run.args,
        scope=run.scope,
        forked_from=run.id,
        history_from=run.history_from,
        # Its claim loads a history only from the second epoch on.
        epoch=1,
        events_since=now,
    )
    with transaction.atomic():
        other.save(force_insert=True)
        copies = []
        for one in steps.filter(number__lt=step):
            one.pk = (other.id, one.number)
            copies.append(one)
        Step.objects.bulk_create(copies, batch_size=500)
        waiting.submit_advance([other.id], other.queue)
    return Handle(other.id)


def _run(run_id: str) -> Run:
    run = Run.objects.filter(id=run_id).first()
    if run is None:
        raise RunNotFoundError(run_id)
    return run


def _forget_last_error(run: Run) -> None:
    """The errors that the history ends with: one of them is what the run failed with."""
    steps = Step.objects.filter(run_id=run.id, number__gte=run.history_from)
    for number, is_error in steps.order_by("-number").values_list("number", "is_error"):
        if not is_error:
            return
        steps.filter(number=number).delete()
