"""Tasks that say something."""

import contextvars
import logging
import sys
import threading
from typing import Any

from celery import shared_task
from celery.utils.log import get_task_logger
from django.db import DatabaseError, transaction

from celery_uncovered.jobs.models import Job

log = logging.getLogger(__name__)
nothing: dict[str, str] = {}
task_log = get_task_logger(__name__)


@shared_task
def talk() -> None:
    log.debug("not heard")
    log.info("logged %d", 1)
    task_log.info("logged by Celery's logger")
    print("printed", 2)  # noqa: T201
    print("to stderr", file=sys.stderr)  # noqa: T201
    print("no newline", end="")  # noqa: T201


@shared_task
def log_error() -> None:
    try:
        nothing["caught"]
    except KeyError:
        log.exception("went on")


@shared_task
def raise_error(words: str) -> None:
    raise RuntimeError(words)


@shared_task(bind=True, max_retries=None)
def retry(self: Any) -> None:
    raise self.retry(exc=RuntimeError("not yet"), countdown=60)


@shared_task(bind=True, max_retries=None, ignore_result=True)
def retry_and_ignore(self: Any) -> None:
    raise self.retry(exc=RuntimeError("not yet"), countdown=60)


@shared_task(bind=True)
def be_replaced(self: Any) -> Any:
    log.info("handing over")
    return self.replace(quiet.si())


@shared_task
def quiet() -> None:
    pass


@shared_task
def return_no_json() -> Any:
    log.info("almost done")
    return object()


@shared_task(bind=True)
def talk_in_a_transaction(self: Any) -> None:
    """Of one that rolls back, and of one that the database has given up."""
    try:
        with transaction.atomic():
            log.info("within")
            nothing["missing"]
    except KeyError:
        log.info("rolled back")
    with transaction.atomic():
        try:
            with transaction.atomic():
                Job.objects.create(id=self.request.id)
        except DatabaseError:
            log.exception("aborted")
        log.info("after")


@shared_task
def talk_in_threads() -> None:
    """In one with a copy of the context, and in one without."""
    copied = contextvars.copy_context()
    for target in (lambda: copied.run(speak, "with"), lambda: speak("without")):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()


def speak(words: str) -> None:
    print(words)  # noqa: T201


@shared_task
def log_badly() -> None:
    log.info("%d", "no number")
    log.info("next")
