"""Tasks that get secrets, and give them away wherever they can."""

import hashlib
import json
import logging
from typing import Any

from celery import shared_task

from celery_uncovered.jobs import api as jobs
from tests.support.app.notes import note
from tests.support.app.tasks import attempt_number

log = logging.getLogger(__name__)


def digest(value: Any) -> str:
    """What tells a secret from another without telling it."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@shared_task(bind=True, max_retries=3)  # type: ignore[arg-type]  # the stubs fear a keyword "self"
def handle(self: Any, user: str, password: str, what: str = "return", **given: Any) -> Any:
    """Note by a digest what it got, say it everywhere, and end as ``what`` says."""
    note(f"{user} {attempt_number()} {digest([password, given])}")
    everything = json.dumps([password, given])
    jobs.report_progress(done=1, note=f"logged in with {password}")
    jobs.report_progress(done=2, note=everything[:2000])
    log.warning("%s has %s", user, everything)
    if what == "raise" or (what == "retry" and attempt_number() == 1):
        try:
            {}[everything]  # type: ignore[index]  # that is the error
        except KeyError as error:
            words = f"{user} cannot log in with {password}: {everything}"
            if what == "retry":
                raise self.retry(exc=RuntimeError(words), countdown=0) from error
            raise RuntimeError(words, {"password": password}) from error
    if what == "tell":
        return password
    return {"token": password, "texts": list(given.values()), "user": user}


@shared_task
def take_over(found: Any, user: str, password: str = "") -> Any:
    """A callback, or the next of a chain: it gets what another task gave away."""
    note(f"{user} {attempt_number()} {digest([found, password])}")
    return found
