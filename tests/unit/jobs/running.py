"""Running jobs in the test's own process: a worker's path from the message on, without a worker."""

from datetime import timedelta
from functools import cache
from typing import Any

from celery import current_app
from celery.app.trace import build_tracer, fast_trace_task, setup_worker_optimizations
from django.utils import timezone

from celery_uncovered.jobs import dispatcher, outbox
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.status import job_attempts
from celery_uncovered.jobs.submit import import_tasks
from celery_uncovered.jobs.worker.perform import perform as perform_message

#: More jobs than any canvas here has: what runs on after them runs for ever.
MANY = 50


def run_job(task_id: str, *, attempt: int | None = None) -> Any:
    """Perform the message of a job, for its next attempt or for the one that is given.

    Returns what Celery's pool would get.
    """
    delivery = outbox.delivery_of(Job.objects.get(id=task_id))
    message = delivery.message
    number = delivery.attempt if attempt is None else attempt
    request = {
        **message.headers,
        **message.properties,
        ATTEMPT_HEADER: number,
        "delivery_info": {"exchange": message.exchange, "routing_key": message.routing_key},
        "hostname": "here",
    }
    return perform(message.task, task_id, request, message.body)


def perform(name: str, task_id: str, request: dict[str, Any], body: str) -> Any:
    become_a_worker()
    return perform_message(
        fast_trace_task, name, task_id, request, body, "application/json", "utf-8"
    )


@cache
def become_a_worker() -> None:
    """What a worker's child does before its first task: the fast tracer, built for every task."""
    import_tasks()
    setup_worker_optimizations(current_app)
    for name, task in current_app.tasks.items():
        task.__trace__ = build_tracer(name, task, current_app.loader, "here", app=current_app)


def run_all() -> list[str]:
    """Run what is queued until nothing is, oldest first; the names of the tasks that ran."""
    ran: list[str] = []
    while (job := queued().first()) is not None:
        assert len(ran) < MANY, ran
        ran.append(job.task.rpartition(".")[2])
        run_job(job.id)
    return ran


def queued() -> Any:
    return Job.objects.filter(state=State.QUEUED).order_by("queued_at", "created_at")


def make_due(task_id: str) -> None:
    """Let the time of a waiting job come, and the dispatcher notice it."""
    Job.objects.filter(id=task_id).update(due_at=timezone.now() - timedelta(seconds=1))
    dispatcher.publish_due()


def state_of(task_id: str) -> str:
    return str(Job.objects.values_list("state", flat=True).get(id=task_id))


def outcomes_of(task_id: str) -> list[str]:
    return [str(attempt.outcome) for attempt in job_attempts(task_id)]


def value_of(task_id: str) -> Any:
    """What ``AsyncResult`` gives."""
    result: Any = current_app.AsyncResult(task_id)
    return result.result
