"""The front door of the jobs app: what other apps and projects use."""

from celery_uncovered.jobs import scope, sealing
from celery_uncovered.jobs.artifacts import save_artifact
from celery_uncovered.jobs.bulk import submit_many
from celery_uncovered.jobs.cancel import cancel_job
from celery_uncovered.jobs.chores import Chore, register_chore
from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.dead_letters import (
    DeadLetterFilter,
    DeadLetterPage,
    Tended,
    count_dead_letters,
    discard_dead_letters,
    discard_job,
    list_dead_letters,
    retry_dead_letters,
)
from celery_uncovered.jobs.dispatching import Dispatching, dispatching
from celery_uncovered.jobs.errors import (
    ArgumentsMismatchError,
    ArgumentsNotJsonError,
    ArgumentsTooLargeError,
    ArtifactNotSavedError,
    BadCrontabError,
    BadItemError,
    BadScheduleError,
    JobCancelledError,
    JobError,
    JobNotFoundError,
    KeyHeldError,
    NoCurrentJobError,
    NoDeadLetterError,
    NotRetriableError,
    NotSentBackError,
    NotSetAsideError,
    OneByOneError,
    QueueNameError,
    ScopeError,
    SealBrokenError,
    UniqueKeyError,
    UniqueWindowError,
    UnknownExchangeError,
    UnknownQueueError,
    UnknownTaskError,
)
from celery_uncovered.jobs.failures import JobFailure, job_failed
from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.ids import new_id
from celery_uncovered.jobs.literals import dumps
from celery_uncovered.jobs.looks import finds
from celery_uncovered.jobs.masking import is_secret_name, mask_text, mask_value
from celery_uncovered.jobs.masking.known import learn_secrets
from celery_uncovered.jobs.patience import will_pass
from celery_uncovered.jobs.pausing import (
    PausedQueueInfo,
    pause_queue,
    paused_queues,
    resume_queue,
)
from celery_uncovered.jobs.progress import (
    check_cancelled,
    report_progress,
    report_progress_of,
)
from celery_uncovered.jobs.queues import QueueInfo, list_queues
from celery_uncovered.jobs.readers import add_reader, is_reader, jobs_read_by
from celery_uncovered.jobs.registry import (
    Example,
    NavigationLink,
    ResultPanel,
    SchedulableTask,
    examples,
    links,
    register_example,
    register_link,
    register_open_tasks,
    register_panel,
    register_schedulable,
    schedulable_tasks,
)
from celery_uncovered.jobs.replay import retry_job
from celery_uncovered.jobs.schedules.crontabs import parse_crontab
from celery_uncovered.jobs.schedules.due import Due
from celery_uncovered.jobs.schedules.leading import Beating, beating
from celery_uncovered.jobs.schedules.misfire import Rules as MisfireRules
from celery_uncovered.jobs.schedules.outlook import (
    OccurrenceInfo,
    Outlook,
)
from celery_uncovered.jobs.schedules.outlook import outlooks as schedule_outlooks
from celery_uncovered.jobs.schedules.outlook import set_rules as set_misfire_rules
from celery_uncovered.jobs.schedules.plans import zone_of as zone_of_schedule
from celery_uncovered.jobs.schedules.submitting import submit_by_hand as submit_schedule
from celery_uncovered.jobs.schedules.turns import rows_with_times as schedule_rows
from celery_uncovered.jobs.server_cursor import Line, run_at_once, server_cursor
from celery_uncovered.jobs.set_aside import (
    SetAsideInfo,
    discard_set_aside,
    list_set_aside,
    send_back,
    set_aside_message,
)
from celery_uncovered.jobs.states import FINAL, Misfire, OccurrenceOutcome, State
from celery_uncovered.jobs.status import (
    ArtifactInfo,
    AttemptInfo,
    JobStatus,
    Progress,
    find_artifact,
    job_attempts,
    job_states,
    job_status,
)
from celery_uncovered.jobs.submit import submit_job as submit
from celery_uncovered.jobs.web.access import (
    Viewer,
    identified_viewer,
    known_viewers_only,
    operators_only,
    readable_job_or_404,
    remember_reader,
    viewer_of,
)
from celery_uncovered.jobs.web.conditional import unless_unchanged
from celery_uncovered.jobs.web.document import fingerprint
from celery_uncovered.jobs.web.listing import (
    JobFilter,
    JobPage,
    list_jobs,
    queue_names,
    readable_statuses,
)
from celery_uncovered.jobs.web.negotiate import wants_json
from celery_uncovered.jobs.worker.stopping import is_stopping
from celery_uncovered.jobs.workers import WorkerInfo, has_live_worker, live_workers

__all__ = [
    "FINAL",
    "ArgumentsMismatchError",
    "ArgumentsNotJsonError",
    "ArgumentsTooLargeError",
    "ArtifactInfo",
    "ArtifactNotSavedError",
    "AttemptInfo",
    "BadCrontabError",
    "BadItemError",
    "BadScheduleError",
    "Beating",
    "Chore",
    "DeadLetterFilter",
    "DeadLetterPage",
    "Dispatching",
    "Due",
    "Example",
    "JobCancelledError",
    "JobError",
    "JobFailure",
    "JobFilter",
    "JobNotFoundError",
    "JobPage",
    "JobStatus",
    "KeyHeldError",
    "Line",
    "Misfire",
    "MisfireRules",
    "NavigationLink",
    "NoCurrentJobError",
    "NoDeadLetterError",
    "NotRetriableError",
    "NotSentBackError",
    "NotSetAsideError",
    "OccurrenceInfo",
    "OccurrenceOutcome",
    "OneByOneError",
    "Outlook",
    "PausedQueueInfo",
    "Progress",
    "QueueInfo",
    "QueueNameError",
    "ResultPanel",
    "SchedulableTask",
    "ScopeError",
    "SealBrokenError",
    "SetAsideInfo",
    "State",
    "Tended",
    "UniqueKeyError",
    "UniqueWindowError",
    "UnknownExchangeError",
    "UnknownQueueError",
    "UnknownTaskError",
    "Viewer",
    "WorkerInfo",
    "add_reader",
    "beating",
    "cancel_job",
    "check_cancelled",
    "count_dead_letters",
    "discard_dead_letters",
    "discard_job",
    "discard_set_aside",
    "dispatching",
    "dumps",
    "examples",
    "find_artifact",
    "finds",
    "fingerprint",
    "has_live_worker",
    "identified_viewer",
    "is_reader",
    "is_secret_name",
    "is_stopping",
    "job_attempts",
    "job_failed",
    "job_states",
    "job_status",
    "jobs_read_by",
    "known_viewers_only",
    "learn_secrets",
    "links",
    "list_dead_letters",
    "list_jobs",
    "list_queues",
    "list_set_aside",
    "live_workers",
    "mask_text",
    "mask_value",
    "new_id",
    "no_fork",
    "operators_only",
    "parse_crontab",
    "pause_queue",
    "paused_queues",
    "queue_names",
    "readable_job_or_404",
    "readable_statuses",
    "register_chore",
    "register_example",
    "register_link",
    "register_open_tasks",
    "register_panel",
    "register_schedulable",
    "remember_reader",
    "report_progress",
    "report_progress_of",
    "resume_queue",
    "retry_dead_letters",
    "retry_job",
    "run_at_once",
    "running_attempt",
    "save_artifact",
    "schedulable_tasks",
    "schedule_outlooks",
    "schedule_rows",
    "scope",
    "sealing",
    "send_back",
    "server_cursor",
    "set_aside_message",
    "set_misfire_rules",
    "submit",
    "submit_many",
    "submit_schedule",
    "unless_unchanged",
    "viewer_of",
    "wants_json",
    "will_pass",
    "zone_of_schedule",
]
