"""How pages write runs: the look of their states, and of what their histories tell."""

from django import template

from celery_uncovered.workflows import api as workflows

register = template.Library()

#: A look and an icon of the pages of jobs, for each state.
_STATES = {
    workflows.RunState.READY: ("queued", "queued"),
    workflows.RunState.RUNNING: ("started", "started"),
    workflows.RunState.WAITING: ("scheduled", "scheduled"),
    workflows.RunState.BLOCKED: ("retry", "warning"),
    workflows.RunState.DEAD: ("failure", "failure"),
    workflows.RunState.SUCCESS: ("success", "success"),
    workflows.RunState.FAILURE: ("failure", "failure"),
    workflows.RunState.CANCELLED: ("revoked", "revoked"),
}
_LOOKS = {
    workflows.Look.DONE: ("success", "success", "Done"),
    workflows.Look.FAILED: ("failure", "failure", "Failed"),
    workflows.Look.CAME: ("success", "success", "Came"),
    workflows.Look.TIMED_OUT: ("retry", "scheduled", "Time was up"),
    workflows.Look.STARTED: ("started", "arrow", "Started"),
    workflows.Look.NOTED: ("queued", "queued", "Noted"),
    workflows.Look.WAITING: ("scheduled", "scheduled", "Waits"),
}
_KINDS = {
    "step": "Step",
    "time": "Wait for a time",
    "event": "Wait for an event",
    "child": "Child run",
    "backoff": "Retry of a step",
    "value": "Value",
    "patch": "Patch",
    "child_id": "Id of a child run",
    "outcome": "Outcome of a run",
}


@register.filter
def state_look(state: str) -> str:
    return _STATES[workflows.RunState(state)][0]


@register.filter
def state_icon(state: str) -> str:
    return _STATES[workflows.RunState(state)][1]


@register.filter
def entry_look(entry: workflows.Entry) -> str:
    return _LOOKS[entry.look][0]


@register.filter
def entry_icon(entry: workflows.Entry) -> str:
    return _LOOKS[entry.look][1]


@register.filter
def entry_word(entry: workflows.Entry) -> str:
    if entry.kind == "time" and entry.look is workflows.Look.CAME:
        return "Over"
    return _LOOKS[entry.look][2]


@register.filter
def kind_word(kind: str) -> str:
    """What is noted has the name of what was asked for as its kind."""
    return _KINDS.get(kind, kind)


@register.filter
def wait_word(wait: workflows.OpenWait) -> str:
    """What a run waits for, for lists."""
    if wait.kind == workflows.Cause.EVENT:
        return f"Waits for the event “{wait.key}”"
    if wait.kind == workflows.Cause.CHILD:
        return "Waits for another run"
    return f"Retries “{wait.name}”" if wait.kind == workflows.Cause.BACKOFF else "Sleeps"
