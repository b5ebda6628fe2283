"""Running a job again that failed or was cancelled: under its own id, as it was submitted.

It is QUEUED again as if it were new: without its error, its copy in django-celery-results, its due
time, an expiry that has passed, and with all of Celery's retries before it. Only ``attempt`` counts
on, since it is the fence.
"""

import json
from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django_celery_results.models import TaskResult

from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.errors import JobNotFoundError, KeyHeldError, NotRetriableError
from celery_uncovered.jobs.insert import Key
from celery_uncovered.jobs.messages import decode
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.settle import NO_LEASE
from celery_uncovered.jobs.states import RETRIABLE, State
from celery_uncovered.jobs.unique import holder_of

#: The row of a job that ended before it was submitted, with what it was to follow, has no message.
NO_MESSAGE = "{}"
#: Jobs that differ from each other in nothing but their ids: a canvas, a key or a used up retry
#: asks for more than the one statement that queues them.
_PLAIN = (
    Q(unique_key=None, message__contains='"retries": 0,')
    & ~Q(body__contains='"chord": {')
    & ~Q(body__contains='"chain": [')
)


def retry_job(task_id: str) -> None:
    """Queue a job in FAILURE or REVOKED again.

    A chord that still waits for other parts waits for this one too; one whose callback has been
    submitted or has failed does not fire again. The rest of a chain, which failed with this job,
    follows it anew.

    Raises JobNotFoundError; NotRetriableError for a job that has not ended, has succeeded or was
    never submitted; KeyHeldError while another job lives under its unique key.
    """
    try:
        with transaction.atomic():
            _retry(task_id)
    except IntegrityError as error:
        # The ledger's only unique column beside the id.
        job = Job.objects.get(id=task_id)
        key = str(job.unique_key)
        raise KeyHeldError(task_id, key, holder_of(Key(text=key)) or "another") from error


def retry_batch(task_ids: Collection[str]) -> int:
    """Queue those dead letters again that can be; how many. At most some hundred at a time.

    All of them that are plain take one statement; the others are retried one by one, each in a
    transaction of its own.
    """
    dead = Job.objects.filter(id__in=task_ids, state=State.FAILURE, discarded_at=None)
    dead = dead.exclude(message=NO_MESSAGE)
    with transaction.atomic():
        plain = list(dead.filter(_PLAIN).select_for_update().values_list("id", flat=True))
        _forget_ends(plain)
        dead.filter(id__in=plain).update(**_queued_again())
        outbox.send_jobs_after_commit(plain)
    # Those that are queued by now are dead letters no longer.
    others = list(dead.order_by("created_at").values_list("id", flat=True))
    return len(plain) + sum(map(_could_be_retried, others))


def _could_be_retried(task_id: str) -> bool:
    try:
        retry_job(task_id)
    except (NotRetriableError, JobNotFoundError):
        return False
    return True


def _retry(task_id: str) -> None:
    job = Job.objects.select_for_update().filter(id=task_id).first()
    if job is None:
        raise JobNotFoundError(task_id)
    _refuse(job)
    _, _, embed = decode(job.body)
    rest = [link for link in embed.get("chain") or () if link["options"].get("task_id")]
    _forget_ends([job.id, *_drop_never_submitted(rest)])
    if embed.get("chord"):
        _wait_for_it(job.group_id)
    for link in rest:
        if link["options"].get("chord"):
            _wait_for_it(link["options"].get("group_id"))
    Job.objects.filter(id=job.id).update(**_queued_again(), message=_without_retries(job.message))
    outbox.send_job_after_commit(job.id)


def _refuse(job: Job) -> None:
    if job.state not in RETRIABLE:
        reason = f"it is {job.state}, and only FAILURE and REVOKED can be left"
        raise NotRetriableError(job.id, reason)
    if job.message == NO_MESSAGE:
        reason = "it was never submitted, because what it was to follow failed; retry that"
        raise NotRetriableError(job.id, reason)


def _queued_again() -> dict[str, Any]:
    now = timezone.now()
    return {
        **NO_LEASE,
        "state": State.QUEUED,
        "queued_at": now,
        "published_at": None,
        "due_at": None,
        # One that has passed would end the job at once; one to come still says until when it helps.
        "expires_at": Case(When(expires_at__lte=now, then=Value(None)), default=F("expires_at")),
        "started_at": None,
        "finished_at": None,
        "discarded_at": None,
        "times_lost": 0,
        "cancel_requested": False,
        "terminate_requested": False,
        "result": None,
        "error": "",
        "error_type": "",
        "traceback": "",
        "progress_done": None,
        "progress_total": None,
        "progress_note": "",
    }


def _drop_never_submitted(chain: list[Any]) -> list[str]:
    """Drop the rows of a chain's rest that failed with the job, so that it can follow; their ids."""
    ids = [link["options"]["task_id"] for link in chain]
    ended = Job.objects.filter(id__in=ids, message=NO_MESSAGE, state__in=RETRIABLE)
    dropped = list(ended.values_list("id", flat=True))
    Job.objects.filter(id__in=dropped).delete()
    return dropped


def _forget_ends(task_ids: list[str]) -> None:
    """Drop what told of ends that no longer hold.

    The copies are written anew when the jobs end. A chord that one of the jobs had handed over to,
    with parts that still stop, must not end it a second time.
    """
    TaskResult.objects.filter(task_id__in=task_ids).delete()
    Chord.objects.filter(body_id__in=task_ids, remaining__gt=0).delete()


def _wait_for_it(group_id: str | None) -> None:
    """Have a chord that is still open count the part once more."""
    Chord.objects.filter(group_id=group_id, remaining__gt=0).update(remaining=F("remaining") + 1)


def _without_retries(message: str) -> str:
    """The envelope with Celery's own count of retries back at the start."""
    envelope = json.loads(message)
    envelope["headers"]["retries"] = 0
    return json.dumps(envelope, ensure_ascii=False)
