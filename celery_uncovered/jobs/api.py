"""The front door of the jobs app: what other apps and projects use."""

from celery_uncovered.jobs.artifacts import save_artifact
from celery_uncovered.jobs.cancel import cancel_job
from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.errors import (
    ArgumentsMismatchError,
    ArgumentsNotJsonError,
    ArgumentsTooLargeError,
    ArtifactNotSavedError,
    JobCancelledError,
    JobError,
    JobNotFoundError,
    NoCurrentJobError,
    UnknownQueueError,
    UnknownTaskError,
)
from celery_uncovered.jobs.progress import (
    check_cancelled,
    report_progress,
    report_progress_of,
)
from celery_uncovered.jobs.readers import add_reader, is_reader, jobs_read_by
from celery_uncovered.jobs.registry import (
    NavigationLink,
    ResultPanel,
    SchedulableTask,
    register_link,
    register_open_tasks,
    register_panel,
    register_schedulable,
    schedulable_tasks,
)
from celery_uncovered.jobs.states import FINAL, State
from celery_uncovered.jobs.status import (
    ArtifactInfo,
    AttemptInfo,
    JobStatus,
    Progress,
    find_artifact,
    job_attempts,
    job_status,
)
from celery_uncovered.jobs.submit import submit_job as submit

__all__ = [
    "FINAL",
    "ArgumentsMismatchError",
    "ArgumentsNotJsonError",
    "ArgumentsTooLargeError",
    "ArtifactInfo",
    "ArtifactNotSavedError",
    "AttemptInfo",
    "JobCancelledError",
    "JobError",
    "JobNotFoundError",
    "JobStatus",
    "NavigationLink",
    "NoCurrentJobError",
    "Progress",
    "ResultPanel",
    "SchedulableTask",
    "State",
    "UnknownQueueError",
    "UnknownTaskError",
    "add_reader",
    "cancel_job",
    "check_cancelled",
    "find_artifact",
    "is_reader",
    "job_attempts",
    "job_status",
    "jobs_read_by",
    "register_link",
    "register_open_tasks",
    "register_panel",
    "register_schedulable",
    "report_progress",
    "report_progress_of",
    "running_attempt",
    "save_artifact",
    "schedulable_tasks",
    "submit",
]
