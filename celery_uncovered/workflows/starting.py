"""Starting runs: their rows and the job that advances them, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, transaction

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.definitions import Afterwards, Keyed, Workflow
from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.engine.branch import current_branch
from celery_uncovered.workflows.errors import KeyTakenError
from celery_uncovered.workflows.handles import Handle
from celery_uncovered.workflows.models import NOT_FINAL, Run
from celery_uncovered.workflows.values import encode_call

P = ParamSpec("P")
R = TypeVar("R")


def start(workflow: Workflow[P, R] | Keyed[P, R], *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
    """Start a run; it exists when the caller's transaction commits. In a run, it is its child.

    For a run under a key give ``workflow.keyed(key)`` (see ``Workflow.keyed``).
    """
    if isinstance(workflow, Keyed):
        keyed = workflow
        return start_with(keyed.workflow, args, kwargs, key=keyed.key, afterwards=keyed.afterwards)
    return start_with(workflow, args, kwargs)


def start_with(
    workflow: Workflow[Any, R],
    args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    afterwards: Afterwards = "start",
) -> Handle[R]:
    """``start`` for arguments in a list and a dict; ``key`` and ``afterwards`` as of ``Workflow.keyed``."""
    branch = current_branch()
    if branch is not None:
        return _start_child(branch, workflow, args, kwargs or {}, key)
    text = _text_of(workflow, args, kwargs or {})
    return Handle(_start(workflow, text, key=key, afterwards=afterwards))


def start_many(workflow: Workflow[Any, R], items: Iterable[Sequence[Any]]) -> list[Handle[R]]:
    """Start a run for each item, which is its arguments; all of them, or none."""
    scope = jobs.scope.captured()
    runs = [
        Run(
            id=jobs.new_id(),
            workflow=workflow.name,
            queue=workflow.queue,
            scope=scope,
            args=_text_of(workflow, item, {}),
        )
        for item in items
    ]
    with transaction.atomic():
        Run.objects.bulk_create(runs, batch_size=500)
        waiting.submit_advance([run.id for run in runs], workflow.queue)
    return [Handle(run.id) for run in runs]


def _start(
    workflow: Workflow[Any, Any],
    args: str,
    *,
    key: str | None,
    afterwards: Afterwards = "start",
    run_id: str = "",
    parent_id: str | None = None,
) -> str:
    if key is not None and (holder := _holder_of(workflow, key, afterwards)):
        return holder
    run = Run(
        id=run_id or jobs.new_id(),
        workflow=workflow.name,
        key=key,
        queue=workflow.queue,
        scope=jobs.scope.captured(),
        args=args,
        parent_id=parent_id,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            waiting.submit_advance([run.id], run.queue)
    except IntegrityError:
        # Somebody else has started it, a moment ago; or this very child was started before.
        if run_id and Run.objects.filter(id=run_id).exists():
            return run_id
        holder = _holder_of(workflow, key or "", afterwards)
        if holder is None:
            raise
        return holder
    return run.id


def _holder_of(workflow: Workflow[Any, Any], key: str, afterwards: Afterwards) -> str | None:
    runs = Run.objects.filter(workflow=workflow.name, key=key)
    live = runs.filter(NOT_FINAL).values_list("id", flat=True).first()
    if live is not None or afterwards == "start":
        return live
    ended = runs.order_by("-created_at").values_list("id", flat=True).first()
    if ended is not None and afterwards == "refuse":
        raise KeyTakenError(key, ended)
    return ended


def _start_child(
    branch: Any, workflow: Workflow[Any, R], args: Sequence[Any], kwargs: Any, key: str | None
) -> Handle[R]:
    """A child's id is recorded before it is started, so that a replay starts no second one."""
    text = _text_of(workflow, args, kwargs)
    child: str = branch.noted("child_id", f"start {workflow.name}", jobs.new_id)
    started: str = branch.noted(
        "child",
        f"started {workflow.name}",
        lambda: _start(workflow, text, key=key, run_id=child, parent_id=branch.execution.id),
    )
    return Handle(started)


def _text_of(workflow: Workflow[Any, Any], args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    return encode_call(workflow.function, args, kwargs, f"The arguments of {workflow.name}")
