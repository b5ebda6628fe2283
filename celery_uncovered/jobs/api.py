"""The front door of the jobs app: what other apps and projects use."""

from celery_uncovered.jobs.artifacts import save_artifact
from celery_uncovered.jobs.bulk import submit_many
from celery_uncovered.jobs.cancel import cancel_job
from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.errors import (
    ArgumentsMismatchError,
    ArgumentsNotJsonError,
    ArgumentsTooLargeError,
    ArtifactNotSavedError,
    BadItemError,
    JobCancelledError,
    JobError,
    JobNotFoundError,
    NoCurrentJobError,
    OneByOneError,
    UniqueKeyError,
    UniqueWindowError,
    UnknownExchangeError,
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
    links,
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
from celery_uncovered.jobs.web.access import (
    Viewer,
    known_viewers_only,
    operators_only,
    readable_job_or_404,
    remember_reader,
    viewer_of,
)
from celery_uncovered.jobs.web.listing import (
    JobFilter,
    JobPage,
    list_jobs,
    queue_names,
    readable_statuses,
)
from celery_uncovered.jobs.web.negotiate import wants_json

__all__ = [
    "FINAL",
    "ArgumentsMismatchError",
    "ArgumentsNotJsonError",
    "ArgumentsTooLargeError",
    "ArtifactInfo",
    "ArtifactNotSavedError",
    "AttemptInfo",
    "BadItemError",
    "JobCancelledError",
    "JobError",
    "JobFilter",
    "JobNotFoundError",
    "JobPage",
    "JobStatus",
    "NavigationLink",
    "NoCurrentJobError",
    "OneByOneError",
    "Progress",
    "ResultPanel",
    "SchedulableTask",
    "State",
    "UniqueKeyError",
    "UniqueWindowError",
    "UnknownExchangeError",
    "UnknownQueueError",
    "UnknownTaskError",
    "Viewer",
    "add_reader",
    "cancel_job",
    "check_cancelled",
    "find_artifact",
    "is_reader",
    "job_attempts",
    "job_status",
    "jobs_read_by",
    "known_viewers_only",
    "links",
    "list_jobs",
    "operators_only",
    "queue_names",
    "readable_job_or_404",
    "readable_statuses",
    "register_link",
    "register_open_tasks",
    "register_panel",
    "register_schedulable",
    "remember_reader",
    "report_progress",
    "report_progress_of",
    "running_attempt",
    "save_artifact",
    "schedulable_tasks",
    "submit",
    "submit_many",
    "viewer_of",
    "wants_json",
]
