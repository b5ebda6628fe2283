"""The lifecycle of a run: its states, and the one table of moves between them.

```
READY ──► RUNNING ──► SUCCESS | FAILURE | CANCELLED
  ▲         │  │
  │         │  ├──► WAITING   for a time, an event or a child run
  │         │  ├──► BLOCKED   its history does not fit the code
  │         │  └──► DEAD      it ended its worker process too often
  └─────────┴──────────┘
FAILURE | CANCELLED ──► READY, when somebody resumes the run
```
"""

from django.db.models import TextChoices


class RunState(TextChoices):
    READY = "READY", "Ready"
    RUNNING = "RUNNING", "Running"
    WAITING = "WAITING", "Waiting"
    BLOCKED = "BLOCKED", "Blocked"
    DEAD = "DEAD", "Dead letter"
    SUCCESS = "SUCCESS", "Succeeded"
    FAILURE = "FAILURE", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


FINAL = (RunState.SUCCESS, RunState.FAILURE, RunState.CANCELLED)
LIVE = tuple(state for state in RunState if state not in FINAL)
#: Live, and not moving until somebody or something acts.
PARKED = (RunState.WAITING, RunState.BLOCKED, RunState.DEAD)

#: For each state, the states that a run may be in before it.
SOURCES: dict[RunState, tuple[RunState, ...]] = {
    # Woken; or given back by its worker, or taken from a dead one; or resumed by somebody.
    RunState.READY: (
        *PARKED,
        RunState.RUNNING,
        RunState.FAILURE,
        RunState.CANCELLED,
    ),
    RunState.RUNNING: (RunState.READY,),
    RunState.WAITING: (RunState.RUNNING,),
    RunState.BLOCKED: (RunState.RUNNING,),
    RunState.DEAD: (RunState.RUNNING,),
    RunState.SUCCESS: (RunState.RUNNING,),
    RunState.FAILURE: (RunState.RUNNING,),
    RunState.CANCELLED: LIVE,
}
