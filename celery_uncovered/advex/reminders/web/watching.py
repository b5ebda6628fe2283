"""What the page shows of a pull request: its run, and what was said in its channel."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from celery_uncovered.advex.reminders import channels
from celery_uncovered.advex.reminders.chat import ChatError, Message
from celery_uncovered.advex.reminders.models import PullRequest
from celery_uncovered.workflows import api as workflows

SHOWN = 50
#: How a run's state looks, as that of a job does, and what it means here.
LOOKS = {
    "READY": ("queued", "Ready", "A worker will go on with it in a moment."),
    "RUNNING": ("started", "Running", "A worker is at it."),
    "WAITING": (
        "scheduled",
        "Waiting",
        "For the pull request to be closed, or for the next reminder.",
    ),
    "BLOCKED": ("failure", "Blocked", "Its history does not fit the code; an operator is needed."),
    "DEAD": ("failure", "Dead letter", "Its processes died too often; an operator is needed."),
    "SUCCESS": ("success", "Succeeded", "The pull request is closed, and the channel archived."),
    "FAILURE": ("failure", "Failed", "An operator is needed."),
    "CANCELLED": ("revoked", "Cancelled", "An operator has cancelled it."),
}
GONE = ("revoked", "Gone", "Its run is no longer kept.")
FINAL = ("SUCCESS", "FAILURE", "CANCELLED")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """``trouble`` says in one sentence why the chat shows nothing."""

    pull: PullRequest
    state: str
    messages: tuple[Message, ...] = ()
    trouble: str = ""

    @property
    def look(self) -> str:
        return LOOKS.get(self.state, GONE)[0]

    @property
    def word(self) -> str:
        return LOOKS.get(self.state, GONE)[1]

    @property
    def meaning(self) -> str:
        return LOOKS.get(self.state, GONE)[2]

    @property
    def is_final(self) -> bool:
        return self.state in FINAL or self.state not in LOOKS

    @property
    def run_url(self) -> str:
        """The run's own page, where there is one: the dashboard may be left out."""
        try:
            return reverse("dashboard:run", args=[self.pull.run_id])
        except NoReverseMatch:
            return ""

    @property
    def version(self) -> str:
        """Another text whenever something shown is another."""
        last = self.messages[-1].ts if self.messages else ""
        return f"{self.pull.run_id}-{self.state}-{int(self.pull.is_open)}-{last}-{bool(self.trouble):d}"


def state_of(pull: PullRequest) -> str:
    """The state of its last run; "" where there is none."""
    try:
        return str(workflows.Handle(pull.run_id).state)
    except workflows.RunNotFoundError:
        return ""


def watch(pull: PullRequest) -> Watched:
    state = state_of(pull)
    channel = workflows.Handle[None](pull.run_id).query("channel") if state else None
    if channel is None:
        return Watched(pull=pull, state=state)
    try:
        messages = tuple(channels.latest(channel, SHOWN))
    except ChatError as error:
        return Watched(pull=pull, state=state, trouble=str(error))
    return Watched(pull=pull, state=state, messages=messages)
