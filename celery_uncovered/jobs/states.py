"""The lifecycle of a job: its states, and the one table of moves between them.

```
SCHEDULED ──► QUEUED ──► STARTED ──► SUCCESS | FAILURE | REVOKED
    │            │          │  ▲
    │            │          │  └── QUEUED ◄── RETRY (waits in the ledger)
    └────────────┴──────────┴──► REVOKED
FAILURE | REVOKED ──► QUEUED, when somebody retries the job
```
"""

from django.db.models import TextChoices


class State(TextChoices):
    SCHEDULED = "SCHEDULED", "Scheduled"
    QUEUED = "QUEUED", "Queued"
    STARTED = "STARTED", "Running"
    RETRY = "RETRY", "Waiting to retry"
    SUCCESS = "SUCCESS", "Succeeded"
    FAILURE = "FAILURE", "Failed"
    REVOKED = "REVOKED", "Cancelled"


FINAL = (State.SUCCESS, State.FAILURE, State.REVOKED)
#: What may be retried. A success stands: others have built on it.
RETRIABLE = (State.FAILURE, State.REVOKED)
WAITING = (State.SCHEDULED, State.QUEUED, State.RETRY)
LIVE = (*WAITING, State.STARTED)

#: For each state, the states that a job may be in before it.
SOURCES: dict[State, tuple[State, ...]] = {
    # Replaced by a task that is due later.
    State.SCHEDULED: (State.STARTED,),
    # Due at last; or handed back by a worker that died; or replaced by another task; or, failed or
    # cancelled, retried by somebody: the one way out of a final state.
    State.QUEUED: (State.SCHEDULED, State.RETRY, State.STARTED, State.FAILURE, State.REVOKED),
    State.STARTED: (State.QUEUED,),
    State.RETRY: (State.STARTED,),
    # A queued job ends in SUCCESS when Celery marks it from outside an attempt (update_state).
    State.SUCCESS: LIVE,
    # A waiting job fails when the chord or the chain that it belongs to failed.
    State.FAILURE: LIVE,
    State.REVOKED: LIVE,
}


class AttemptOutcome(TextChoices):
    """How one execution ended; STARTED while it runs."""

    STARTED = "STARTED", "Running"
    SUCCESS = "SUCCESS", "Succeeded"
    FAILURE = "FAILURE", "Failed"
    RETRY = "RETRY", "Failed, to be retried"
    REVOKED = "REVOKED", "Cancelled"
    REPLACED = "REPLACED", "Handed over to another task"
    LOST = "LOST", "Worker died"


class Misfire(TextChoices):
    """What becomes of the occurrences of a schedule that were missed."""

    ONCE = "ONCE", "Run once"
    ALL = "ALL", "Run all"
    SKIP = "SKIP", "Skip"


class OccurrenceOutcome(TextChoices):
    """What was decided about one due time of a schedule."""

    SUBMITTED = "SUBMITTED", "Submitted"
    MERGED = "MERGED", "Merged into a later one"
    SKIPPED = "SKIPPED", "Skipped"
    REFUSED = "REFUSED", "Could not be submitted"
