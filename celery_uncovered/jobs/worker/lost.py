"""What dead children of this worker held: their batches, and the jobs they ran alone."""

import logging
from collections.abc import Sequence
from typing import Any

from billiard.exceptions import TimeLimitExceeded

from celery_uncovered.jobs import finished, recovery, settle, statements
from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.finished import Finished
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.node import is_gone, worker_node
from celery_uncovered.jobs.patience import will_pass
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.submit import import_tasks
from celery_uncovered.jobs.worker.board import Notice, pids_with_a_batch

log = logging.getLogger(__name__)


def recover_lost_children(node_id: str, reason: str = "The worker process died.") -> int:
    """Queue the jobs of a living node's dead processes again; how many. Call it on that host."""
    held = Job.objects.filter(state=State.STARTED, lease_node=node_id)
    gone = {
        pid for pid in held.values_list("lease_pid", flat=True).distinct() if pid and is_gone(pid)
    }
    # A lost batch is recovered job by job, by who knows which of them had begun.
    known = pids_with_a_batch()
    return recovery.each(
        held.filter(lease_pid__in=gone - known), lambda job: recovery.bring_back(job, reason)
    )


def recover_batch(
    entries: Sequence[tuple[str, int]],
    notice: Notice,
    *,
    results: Sequence[Finished],
    worker: str,
    limit: float | None,
    is_stopped: bool = False,
) -> None:
    """Recover what a dead child held of a batch; ``entries`` are (id, attempt), in their order.

    The job that had begun is charged: with its hard limit of ``limit`` seconds, if that is what its
    child was ended for, else with the loss; but with nothing where the worker was stopped. Those
    after it are as if nobody had claimed them; of those before it the ``results`` are recorded that
    the child left. It may be tried again.
    """
    if results:
        _record(results, worker, notice.pid)
    begun = -1 if notice.begun is None else notice.begun
    # A job whose message came twice is not given back for its second one.
    before = {task_id for task_id, _ in entries[: begun + 1]}
    rest = [one for one in entries[begun + 1 : notice.kept] if one[0] not in before]
    if rest:
        statements.unclaim_many(rest, node=worker_node().id, pid=notice.pid)
    _give_back_unrecorded(entries[notice.durable : max(begun, 0)], notice.pid)
    if notice.begun is not None:
        _charge(*entries[begun], notice.pid, limit=limit, is_stopped=is_stopped)


def _held_by(pid: int) -> Any:
    """What this worker's child runs; what was refused at its claim may run elsewhere, as the same attempt."""
    return Job.objects.filter(state=State.STARTED, lease_node=worker_node().id, lease_pid=pid)


def _give_back_unrecorded(done: Sequence[tuple[str, int]], pid: int) -> None:
    """Queue those again whose results died with their child."""
    ours = set(_held_by(pid).filter(id__in=[id_ for id_, _ in done]).values_list("id", flat=True))
    for task_id, attempt in done:
        if task_id in ours:
            reason = "The worker process died with the result."
            settle.give_back(task_id, attempt=attempt, reason=reason)


def _charge(task_id: str, attempt: int, pid: int, *, limit: float | None, is_stopped: bool) -> None:
    """Charge the job that ran with what its child was ended for."""
    job = _held_by(pid).filter(id=task_id, attempt=attempt).first()
    if job is None:
        return
    if limit is not None:
        import_tasks()
        request = request_of(job)
        setattr(request, ATTEMPT_HEADER, attempt)
        recovery.fail(job, TimeLimitExceeded(limit), request)
    elif is_stopped and not job.cancel_requested:
        settle.give_back(job.id, attempt=attempt, reason="The worker was stopped.")
    else:
        recovery.bring_back(job, "The worker process died.")


def _record(results: Sequence[Finished], worker: str, pid: int) -> None:
    """Record what can be; a result that the database never takes is left to be given back."""
    try:
        finished.record(results, worker=worker, pid=pid)
    except Exception as error:
        if will_pass(error):
            raise
        if len(results) == 1:
            log.exception("The result of job %s cannot be recorded", results[0].id)
            return
        for one in results:
            _record([one], worker, pid)
