"""Ending the processes of jobs whose cancelling does not wait for their next check."""

import logging
import os
import signal
import threading
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from celery_uncovered.jobs import node
from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)

#: How often a worker asks the ledger whose process it is to end.
LOOK_SECONDS = 1.0
#: A job that was claimed with others has begun by then, or was given back.
BEGUN = timedelta(seconds=0.5)


def terminate_on_request(stop: threading.Event) -> None:
    """Look until ``stop`` is set; to be run in a thread of a worker's main process."""
    while not stop.wait(LOOK_SECONDS):
        with no_fork():
            try:
                terminate_requested()
            except Exception as error:  # noqa: BLE001  # the database is away: the next look tries again
                log.warning("Nobody knows whose process is to be ended: %s", error)
                connection.close()


def terminate_requested() -> int:
    """End the children of this worker that run a job to be terminated; how many.

    They are then lost like any other child, and the job is revoked.
    """
    running = Job.objects.filter(
        state=State.STARTED,
        lease_node=node.worker_node().id,
        terminate_requested=True,
        started_at__lt=timezone.now() - BEGUN,
    )
    # A job in a thread shares its process with others, and with this one.
    pids = set(running.values_list("lease_pid", flat=True)) - {os.getpid(), None}
    for pid in pids:
        log.warning("Process %s is ended: its job was cancelled", pid)
        try:
            os.kill(int(pid or 0), signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(pids)
