"""The front door of the workflows app: what other apps and projects use."""

from celery_uncovered.workflows.definitions import workflow
from celery_uncovered.workflows.errors import (
    HistoryLimitError,
    KeyTakenError,
    NotInARunError,
    NotJsonError,
    NotSteerableError,
    RecordedError,
    RunCancelledError,
    RunFailedError,
    RunNotFinalError,
    RunNotFoundError,
    StepTimeoutError,
    TooLargeError,
    UnknownWorkflowError,
    WorkflowError,
)
from celery_uncovered.workflows.events import send_event
from celery_uncovered.workflows.handles import Handle
from celery_uncovered.workflows.inside import (
    continue_as_new,
    gather,
    now,
    patched,
    random,
    run_id,
    set_value,
    sleep,
    sleep_until,
    step_id,
    uuid4,
    wait_for_event,
)
from celery_uncovered.workflows.starting import start, start_many, start_with
from celery_uncovered.workflows.steering import cancel, cancel_many, fork, resume
from celery_uncovered.workflows.steps import step

__all__ = [
    "Handle",
    "HistoryLimitError",
    "KeyTakenError",
    "NotInARunError",
    "NotJsonError",
    "NotSteerableError",
    "RecordedError",
    "RunCancelledError",
    "RunFailedError",
    "RunNotFinalError",
    "RunNotFoundError",
    "StepTimeoutError",
    "TooLargeError",
    "UnknownWorkflowError",
    "WorkflowError",
    "cancel",
    "cancel_many",
    "continue_as_new",
    "fork",
    "gather",
    "now",
    "patched",
    "random",
    "resume",
    "run_id",
    "send_event",
    "set_value",
    "sleep",
    "sleep_until",
    "start",
    "start_many",
    "start_with",
    "step",
    "step_id",
    "uuid4",
    "wait_for_event",
    "workflow",
]
