"""What a worker knows of a job, for those that end it from outside: from the ledger, or from its chord."""

from typing import Any

from celery.app.task import Context

from celery_uncovered.jobs.current import attempt_of
from celery_uncovered.jobs.messages import ATTEMPT_HEADER, BODY_HEADER, decode
from celery_uncovered.jobs.models import Chord, Job


def request_of(job: Job) -> Any:
    """What a worker knows of ``job`` while it runs: its chord, its chain, its errbacks.

    For no attempt: a retried message bears the number of the one before.
    """
    args, kwargs, embed = decode(job.body)
    # Celery looks into the delivery when it calls errbacks.
    headers = decode(job.message).get("headers", {}) | {ATTEMPT_HEADER: None, "delivery_info": {}}
    return Context(headers, args=args, kwargs=kwargs, **embed)


def request_of_ended(task_id: str, request: Any) -> Any:
    """What is known of the job that ended: the worker's request, or what the ledger has of it.

    A chord's callback that fails has no request, and a message of an unknown task one without its
    chord; the chord around it and the rest of its chain must hear of it all the same.
    """
    if attempt_of(task_id) is not None and request is not None:
        return request
    number = getattr(request, ATTEMPT_HEADER, None)
    if number is not None and getattr(request, BODY_HEADER, None) is None:
        return request
    job = Job.objects.filter(id=task_id).exclude(message="{}").first()
    if job is not None:
        known = request_of(job)
        setattr(known, ATTEMPT_HEADER, number)
        return known
    return request_of_callback(task_id) or request or Context(id=task_id)


def request_of_callback(task_id: str) -> Any:
    """What is known of a chord's callback that was never submitted; None for other jobs."""
    chord = Chord.objects.filter(body_id=task_id).first()
    if chord is None:
        return None
    signature = decode(chord.body)
    options = signature.get("options") or {}
    return Context(
        id=task_id,
        task=signature.get("task"),
        chord=options.get("chord"),
        chain=options.get("chain"),
        group=options.get("group_id"),
        root_id=options.get("root_id"),
        parent_id=options.get("parent_id"),
    )
