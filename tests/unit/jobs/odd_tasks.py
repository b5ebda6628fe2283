"""Tasks that end, or go on, in a way of their own."""

import io
from datetime import timedelta
from typing import Any

from celery import chain, chord, shared_task
from celery.exceptions import Ignore, Reject
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.models import Job
from tests.support.app import tasks


@shared_task
def ignore(*_: Any) -> None:
    raise Ignore


@shared_task
def reject(*_: Any, requeue: bool) -> None:
    words = "not for me"
    raise Reject(words, requeue=requeue)


@shared_task(bind=True)
def tell_when_it_was_due(self: Any) -> str:
    """For a job of a schedule."""
    return str(self.request.headers["schedule_due"])


@shared_task
def leave_the_process() -> None:
    raise SystemExit(3)


@shared_task
def save(text: str) -> None:
    jobs.save_artifact("report.txt", io.BytesIO(text.encode()))


@shared_task(bind=True, max_retries=None)
def retry_though_cancelled(self: Any) -> None:
    attempt = running_attempt()
    assert attempt
    Job.objects.filter(id=attempt.task_id).update(cancel_requested=True)
    raise self.retry(exc=RuntimeError("not yet"), countdown=3600)


@shared_task
def submit_and_tell() -> Any:
    return tasks.add.delay(1, 1)


@shared_task(bind=True)
def become_a_chain(self: Any, first: str) -> Any:
    """Be replaced by two steps, of which the first is of this kind."""
    steps = {
        "adds": tasks.add.si(1, 1),
        "ignores": ignore.si(),
        "fails": tasks.fail.si("out of paper"),
        "expires": tasks.add.si(1, 1).set(expires=timezone.now() - timedelta(seconds=1)),
    }
    return self.replace(chain(steps[first], tasks.add.si(2, 2)))


@shared_task(bind=True)
def become_later(self: Any) -> Any:
    return self.replace(tasks.add.s(1, 1).set(countdown=60))


@shared_task(bind=True)
def become_a_chord_that_ends_later(self: Any) -> Any:
    return self.replace(chord([tasks.add.s(1, 1)], tasks.total.s().set(countdown=60)))


@shared_task(bind=True)
def outlive_its_expiry(self: Any, *, as_chord: bool) -> Any:
    """Be replaced after the time until which it had to start."""
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(id=self.request.id).update(expires_at=past)
    if as_chord:
        return self.replace(chord([tasks.add.s(1, 1)], tasks.total.s()))
    return self.replace(tasks.add.s(1, 1))


@shared_task
def submit_a_chord_that_fails() -> None:
    chord([tasks.fail.s("out of paper"), tasks.add.s(1, 1)], tasks.total.s()).delay()


@shared_task(bind=True)
def add_parts(self: Any, numbers: list[int]) -> int:
    """Add a part for each number to the chord that it is itself a part of."""
    for number in numbers:
        self.add_to_chord(tasks.add.s(number, 0))
    return 0


@shared_task(bind=True)
def tell_eta(self: Any) -> Any:
    return self.request.eta


#: What ``note_error`` was called with.
noted: list[tuple[str, str]] = []


@shared_task
def note_error(request: Any, error: BaseException, _traceback: Any) -> None:
    """An errback that takes the error itself: Celery calls it where the job failed."""
    noted.append((request.id, str(error)))
