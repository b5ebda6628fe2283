"""Faults at an exact moment of a worker's work: a gate of the tests opens each, once."""

import os
import signal
from typing import Any

from celery.signals import before_task_publish
from django.conf import settings


def connect() -> None:
    """Only where a gate is open already: who listens to Celery's signals slows each submission."""
    if any(settings.DATA_DIR.glob("die-before-*")):
        before_task_publish.connect(die_as_it_is_submitted)


def die_as_it_is_submitted(sender: Any = None, **_: Any) -> None:
    """Kill the process that submits a task for which there is a file ``die-before-TASK``."""
    gate = settings.DATA_DIR / f"die-before-{str(sender).rpartition('.')[2]}"
    if gate.exists():
        gate.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
