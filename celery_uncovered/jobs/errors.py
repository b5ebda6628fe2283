"""What the jobs app raises: one root; each error carries its data and words its own sentence."""

from typing import Any

from celery.exceptions import Ignore
from kombu.exceptions import EncodeError


class JobError(Exception):
    """The root of all errors of the jobs app."""


class JobNotFoundError(JobError):
    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        super().__init__(f"There is no job {task_id}.")


class NotRetriableError(JobError):
    """Raised for a job that cannot be run again under its id; ``reason`` completes the sentence."""

    def __init__(self, task_id: str, reason: str) -> None:
        self.task_id = task_id
        super().__init__(f"Job {task_id} is not retried: {reason}.")


class KeyHeldError(NotRetriableError):
    def __init__(self, task_id: str, unique_key: str, holder: str) -> None:
        self.unique_key, self.holder = unique_key, holder
        super().__init__(task_id, f'job {holder}, which lives, has its key "{unique_key}"')


class NoDeadLetterError(JobError):
    def __init__(self, task_id: str, state: str) -> None:
        self.task_id, self.state = task_id, state
        super().__init__(f"Job {task_id} is {state}; only a job in FAILURE can be discarded.")


class NotSetAsideError(JobError):
    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"There is no set-aside message {number}.")


class NotSentBackError(JobError):
    """Raised for a set-aside message that cannot be sent back; ``reason`` completes the sentence."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        super().__init__(f"Set-aside message {number} is not sent back: {reason}.")


class ArgumentsMismatchError(JobError, TypeError):
    def __init__(self, task: str, reason: str) -> None:
        self.task = task
        super().__init__(f"The arguments do not fit {task}: {reason}.")


class ArgumentsNotJsonError(JobError, EncodeError):
    def __init__(self, task: str, reason: str) -> None:
        self.task = task
        super().__init__(f"The arguments of {task} are not JSON: {reason}.")


class ArgumentsTooLargeError(JobError, ValueError):
    def __init__(self, task: str, size: int, limit: int) -> None:
        self.task, self.size, self.limit = task, size, limit
        super().__init__(
            f"The arguments of {task} take {size:,} bytes as JSON; the limit is {limit:,}."
        )


class SerializerRefusedError(JobError, ValueError):
    def __init__(self, task: str, serializer: str) -> None:
        self.task, self.serializer = task, serializer
        super().__init__(f'Serializer "{serializer}" of {task} is not allowed; use json.')


class ResultNotJsonError(JobError, EncodeError):
    def __init__(self, task: str, reason: str) -> None:
        self.task = task
        super().__init__(f"The result of {task} is not JSON: {reason}.")


class ScopeError(JobError, ValueError):
    """The root of what is wrong with the scope of a job."""


class ScopeNotDeclaredError(ScopeError):
    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        declared = f"declared are: {', '.join(known)}" if known else "nothing is"
        super().__init__(f'Scope "{name}" is not declared in JOBS_SCOPE; {declared}.')


class ScopeNotJsonError(ScopeError):
    """``name`` is that of the value, or the names of all where only together they are none."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f'Scope "{name}" is not JSON: {reason}.')


class ScopeTooLargeError(ScopeError):
    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(f"The scope takes {size:,} bytes as JSON; the limit is {limit:,}.")


class ScopeNotAppliedError(ScopeError):
    def __init__(self, name: str, value: Any, reason: Exception) -> None:
        self.name, self.value = name, value
        super().__init__(f'Scope "{name}" cannot be {value!r:.80}: {reason!r:.200}.')


class SealBrokenError(JobError):
    def __init__(self, *_: object) -> None:  # Celery makes it anew from its words
        super().__init__(
            "A secret cannot be opened: it was sealed under a SECRET_KEY that is neither the present"
            " one nor among SECRET_KEY_FALLBACKS."
        )


class UnknownTaskError(JobError, ValueError):
    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f'Task "{task}" is not registered.')


class UnknownQueueError(JobError, ValueError):
    def __init__(self, queue: str, known: list[str]) -> None:
        self.queue = queue
        super().__init__(
            f'Queue "{queue}" is not configured; choose one of: {", ".join(sorted(known))}.'
        )


class UnknownExchangeError(JobError, ValueError):
    def __init__(self, exchange: str, known: list[str]) -> None:
        self.exchange = exchange
        super().__init__(
            f'Exchange "{exchange}" is not configured; choose one of: {", ".join(sorted(known))}.'
        )


class UniqueKeyError(JobError, ValueError):
    def __init__(self, key: Any, longest: int) -> None:
        self.key = key
        super().__init__(f"A unique_key is a text of 1 to {longest} characters, not {key!r:.80}.")


class UniqueWindowError(JobError, ValueError):
    def __init__(self, window: Any, where: str = "") -> None:
        self.window = window
        super().__init__(
            f"unique_for={window!r:.80} makes no sense {where}."
            if where
            else f"unique_for is a positive number of seconds or a timedelta, not {window!r:.80}."
        )


class BadItemError(JobError, ValueError):
    """``position`` counts from 0."""

    def __init__(self, position: int, reason: object) -> None:
        self.position = position
        super().__init__(f"Item {position} is refused, and with it all others: {reason}")


class OneByOneError(JobError, ValueError):
    def __init__(self, option: str) -> None:
        self.option = option
        super().__init__(f"submit_many takes no {option}; submit such jobs one by one.")


class NotAllSentError(JobError):
    """The connection to the broker failed; ``taken`` is what it had taken before."""

    def __init__(self, taken: list[Any], reason: BaseException) -> None:
        self.taken = taken
        super().__init__(f"The broker cannot be reached: {reason or type(reason).__name__}.")


class NoCurrentJobError(JobError, RuntimeError):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs a running job, or a task_id.")


class ArtifactNotSavedError(JobError, OSError):
    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f'The file "{name}" could not be saved: {reason}.')


class JobCancelledError(JobError, Ignore):
    """Raised inside a running job that was cancelled; Celery treats it as handled."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        super().__init__(f"Job {task_id} was cancelled.")


class QueueNameError(JobError, ValueError):
    """Raised for what no queue can be called."""

    def __init__(self, queue: str, limit: int) -> None:
        self.queue = queue
        shown = queue if len(queue) <= limit else f"{queue[:limit]}…"
        super().__init__(
            f"“{shown}” is no name of a queue: write 1 to {limit} characters, no space around them."
        )


class NothingFollowedError(JobError):
    """Recorded for a job that handed over to tasks of which none is left to end it."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        super().__init__(f"Job {task_id} handed over to other jobs, and all of them have ended.")


class AttemptFencedError(JobError, Ignore):
    """Raised inside an attempt that lost its claim, so that it stops and changes nothing."""

    def __init__(self, task_id: str, attempt: int) -> None:
        self.task_id, self.attempt = task_id, attempt
        super().__init__(f"Attempt {attempt} of job {task_id} is no longer the current one.")


class BadScheduleError(JobError, ValueError):
    """Raised for a schedule whose due times cannot be told; ``reason`` completes the sentence."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        first = reason.strip().partition("\n")[0].rstrip(".")
        super().__init__(f"The times of schedule “{name}” cannot be read: {first or 'unknown'}.")


class BadCrontabError(JobError, ValueError):
    """``reason`` is a whole sentence."""

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        super().__init__(reason)


class LeadLostError(JobError):
    """Raised where a leader acts that leads no more; what it did is rolled back."""

    def __init__(self, role: str, holder: str) -> None:
        self.role, self.holder = role, holder
        super().__init__(f"{holder} does not lead as {role} any more.")
