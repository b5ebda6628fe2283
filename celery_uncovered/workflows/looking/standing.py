"""Why a run does not move: one sentence that says so, since when, and what ends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.errors import UnknownWorkflowError
from celery_uncovered.workflows.looking.runs import OpenWait, RunInfo, open_waits
from celery_uncovered.workflows.states import RunState

#: After so long what should happen at once did not happen.
LATE = timedelta(seconds=10)
#: Of several waits so many are named, and of an error so many characters told.
NAMED, TOLD = 3, 300
START_DISPATCHER = "it goes on when one is started (manage.py dispatcher)."


class Cause(StrEnum):
    """``MOVING`` and ``OVER`` are none: the run does not stand still, or is done."""

    MOVING = "moving"
    OVER = "over"
    TIME = waiting.TIME
    EVENT = waiting.EVENT
    CHILD = waiting.CHILD
    BACKOFF = waiting.BACKOFF
    SEVERAL = "several"
    TURN = "turn"
    QUEUE = "queue"
    PAUSED = "paused"
    NO_WORKER = "no worker"
    NO_DISPATCHER = "no dispatcher"
    BLOCKED = "blocked"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time within a sentence: pages say how long ago, or in how long."""

    at: datetime

    def __str__(self) -> str:
        return f"on {self.at.astimezone(UTC):%Y-%m-%d at %H:%M:%S} UTC"


@dataclass(frozen=True, kw_only=True)
class RunName:
    """A run within a sentence: pages link to it."""

    run_id: str
    workflow: str

    def __str__(self) -> str:
        return f"{self.workflow} {self.run_id}".strip()


Part = str | Moment | RunName


@dataclass(frozen=True, kw_only=True)
class Standing:
    """``parts`` are one sentence, ``since`` is when that began."""

    cause: Cause
    since: datetime
    parts: tuple[Part, ...]

    @property
    def sentence(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def is_still(self) -> bool:
        """Whether the run lives and does not move."""
        return self.cause not in {Cause.MOVING, Cause.OVER}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a run depends on beside itself; ``is_held``: a live worker executes its job."""

    workers: Sequence[jobs.WorkerInfo]
    dispatching: jobs.Dispatching
    is_held: bool
    paused: Mapping[str, jobs.PausedQueueInfo] = field(default_factory=dict)


def run_standing(run: RunInfo, waits: Sequence[OpenWait] | None = None) -> Standing:
    """Why ``run`` stands as it does, as things are now."""
    around = Surroundings(
        workers=jobs.live_workers(),
        dispatching=jobs.dispatching(),
        is_held=run.lease_job is not None and jobs.has_live_worker(run.lease_job),
        paused=jobs.paused_queues(),
    )
    return compose(run, open_waits(run.id) if waits is None else waits, around, timezone.now())


def compose(
    run: RunInfo, waits: Sequence[OpenWait], around: Surroundings, now: datetime
) -> Standing:
    match run.state:
        case RunState.READY:
            return _ready(run, around, now)
        case RunState.RUNNING:
            return _running(run, around)
        case RunState.WAITING:
            return _waiting(run, waits, around, now)
        case RunState.BLOCKED:
            return _blocked(run)
        case RunState.DEAD:
            return _dead(run)
        case _:
            return _over(run)


# --- waiting -----------------------------------------------------------------------------------------
def _waiting(
    run: RunInfo, waits: Sequence[OpenWait], around: Surroundings, now: datetime
) -> Standing:
    if not waits:
        words = " and what it waited for has come; it goes on when the dispatcher wakes it."
        return _say(Cause.TURN, run.since, "It was suspended ", Moment(at=run.since), words)
    overdue = [wait for wait in waits if wait.due_at is not None and wait.due_at < now - LATE]
    if overdue and not around.dispatching.is_led:
        return _not_woken(overdue[0])
    if len(waits) > 1:
        return _several(waits)
    (wait,) = waits
    if wait.kind == waiting.EVENT:
        return _event(wait)
    if wait.kind == waiting.CHILD:
        return _child(wait)
    return _backoff(wait, run.since) if wait.kind == waiting.BACKOFF else _time(wait)


def _time(wait: OpenWait) -> Standing:
    began, ends = Moment(at=wait.began_at), _due(wait)
    return _say(Cause.TIME, wait.began_at, "Its sleep began ", began, " and ends by itself ", *ends)


def _event(wait: OpenWait) -> Standing:
    began = ("It began to wait for the event “", wait.key or "", "” ", Moment(at=wait.began_at))
    ends: tuple[Part, ...] = (" and goes on when that event is sent",)
    if wait.due_at is None:
        return _say(Cause.EVENT, wait.began_at, *began, *ends, ".")
    return _say(Cause.EVENT, wait.began_at, *began, *ends, ", or without it ", *_due(wait))


def _child(wait: OpenWait) -> Standing:
    began = Moment(at=wait.began_at)
    if wait.run is None:
        words = "; there is no such run any more, so it goes on only if you cancel it."
        name = wait.key or ""
        return _say(
            Cause.CHILD, wait.began_at, "It began to wait for the run ", name, " ", began, words
        )
    return _say(
        Cause.CHILD,
        wait.began_at,
        "It began to wait for the run ",
        _name(wait.run),
        " ",
        began,
        f" and goes on when that run, which is {wait.run.state.label.lower()}, ends.",
    )


def _backoff(wait: OpenWait, since: datetime) -> Standing:
    error = f" ({_cut(wait.error)})" if wait.error else ""
    return _say(
        Cause.BACKOFF,
        since,
        f"Attempt {wait.attempts} of its step “{wait.name}” failed ",
        Moment(at=since),
        f"{error}, and the next one begins by itself ",
        *_due(wait),
    )


def _several(waits: Sequence[OpenWait]) -> Standing:
    since = min(wait.began_at for wait in waits)
    named: list[Part] = []
    for wait in waits[:NAMED]:
        named += [*([", "] if named else []), *_thing(wait)]
    more = f" and {len(waits) - NAMED} more" if len(waits) > NAMED else ""
    return _say(
        Cause.SEVERAL,
        since,
        f"It has {len(waits)} waits, of which the first began ",
        Moment(at=since),
        ", and goes on when one of them ends: ",
        *named,
        f"{more}.",
    )


def _thing(wait: OpenWait) -> tuple[Part, ...]:
    if wait.kind == waiting.EVENT:
        return (f"the event “{wait.key}”",)
    if wait.kind == waiting.CHILD:
        return ("the end of the run ", _name(wait.run) if wait.run else wait.key or "")
    what = f"another attempt of “{wait.name}”" if wait.kind == waiting.BACKOFF else "a time,"
    return (f"{what} due ", Moment(at=wait.due_at)) if wait.due_at else (what,)


def _not_woken(wait: OpenWait) -> Standing:
    return _say(
        Cause.NO_DISPATCHER,
        wait.began_at,
        "Its wait began ",
        Moment(at=wait.began_at),
        " and was over ",
        *_due(wait, end=""),
        f", but no dispatcher is alive to wake it; {START_DISPATCHER}",
    )


# --- ready, or running -------------------------------------------------------------------------------
def _ready(run: RunInfo, around: Surroundings, now: datetime) -> Standing:
    began = ("It became ready ", Moment(at=run.since))
    if run.queue in around.paused:
        return _say(Cause.PAUSED, run.since, *began, *_paused(around.paused[run.queue]))
    if not around.workers:
        words = ", but no worker is alive; it goes on when one is started."
        return _say(Cause.NO_WORKER, run.since, *began, words)
    if not _takers(run, around):
        words = f", but {_who_takes_others(around)}; it goes on when one takes jobs from its queue “{run.queue}”."
        return _say(Cause.QUEUE, run.since, *began, words)
    if not around.dispatching.is_led and run.since < now - LATE:
        words = f", but no dispatcher is alive to send its job again; {START_DISPATCHER}"
        return _say(Cause.NO_DISPATCHER, run.since, *began, words)
    words = f" and goes on when a worker of the queue “{run.queue}” has time for it."
    return _say(Cause.TURN, run.since, *began, words)


def _running(run: RunInfo, around: Surroundings) -> Standing:
    began = Moment(at=run.since)
    if around.is_held:
        end = (
            ", and it is cancelled: it stops at what it does next." if run.cancel_requested else "."
        )
        return _say(Cause.MOVING, run.since, "It moves: a worker took it up ", began, end)
    gone = ("The worker that took it up ", began, " is gone")
    if run.queue in around.paused:
        return _say(Cause.PAUSED, run.since, *gone, *_paused(around.paused[run.queue]))
    if not around.workers:
        words = ", and no other one is alive; it goes on when one is started."
        return _say(Cause.NO_WORKER, run.since, *gone, words)
    if not _takers(run, around):
        words = f", and {_who_takes_others(around)}; it goes on when one takes jobs from its queue “{run.queue}”."
        return _say(Cause.QUEUE, run.since, *gone, words)
    if not around.dispatching.is_led:
        words = f", and no dispatcher is alive to give it to another one; {START_DISPATCHER}"
        return _say(Cause.NO_DISPATCHER, run.since, *gone, words)
    words = (
        "; it goes on when the dispatcher has given it to another one, which takes"
        f" {settings.JOBS_LEASE_SECONDS} s at most."
    )
    return _say(Cause.TURN, run.since, *gone, words)


def _paused(paused: jobs.PausedQueueInfo) -> tuple[Part, ...]:
    by = f" by {paused.by}" if paused.by else ""
    why = f" ({_cut(paused.reason)})" if paused.reason else ""
    begin = f", but its queue “{paused.queue}” was paused{by} "
    return begin, Moment(at=paused.since), f"{why}; it goes on when somebody resumes the queue."


def _takers(run: RunInfo, around: Surroundings) -> list[jobs.WorkerInfo]:
    return [worker for worker in around.workers if worker.takes_from(run.queue)]


def _who_takes_others(around: Surroundings) -> str:
    """The workers that are alive, none of which takes from the queue in question."""
    others = sorted({queue for worker in around.workers for queue in worker.queues or ()})
    queues = f"{', '.join(f'“{queue}”' for queue in others)} only" if others else "no queue"
    if len(around.workers) == 1:
        return f"the one worker that is alive takes jobs from {queues}"
    return f"the {len(around.workers)} workers that are alive take jobs from {queues}"


# --- parked until somebody acts, or over -----------------------------------------------------------
def _blocked(run: RunInfo) -> Standing:
    remedy = (
        "deploy code that fits (patched() keeps the old path for runs that took it), and it goes on"
        " by itself."
    )
    if run.error == str(UnknownWorkflowError(run.workflow)):
        remedy = "deploy code that has it, and it goes on by itself."
    elif run.error == str(jobs.SealBrokenError()):
        remedy = "put that key there, and resume it."
    words = f" because {_within(run.error)}: {remedy}"
    return _say(Cause.BLOCKED, run.since, "It was blocked ", Moment(at=run.since), words)


def _dead(run: RunInfo) -> Standing:
    words = (
        f" because {_within(run.error)}; it goes on when you resume it, once the cause is mended."
    )
    return _say(Cause.DEAD, run.since, "It became a dead letter ", Moment(at=run.since), words)


def _over(run: RunInfo) -> Standing:
    moment = Moment(at=run.since)
    if run.state == RunState.SUCCESS:
        return _say(Cause.OVER, run.since, "It succeeded ", moment, ".")
    if run.state == RunState.CANCELLED:
        words = "; resume lets it go on where it was."
        return _say(Cause.OVER, run.since, "It was cancelled ", moment, words)
    told = ": ".join(filter(None, [run.error_type, _cut(run.error)]))
    words = f" with {told.rstrip('.')}; resume tries again what failed."
    return _say(Cause.OVER, run.since, "It failed ", moment, words)


# --- words -------------------------------------------------------------------------------------------
def _say(cause: Cause, since: datetime, *parts: Part) -> Standing:
    return Standing(cause=cause, since=since, parts=parts)


def _name(run: RunInfo) -> RunName:
    return RunName(run_id=run.id, workflow=run.workflow)


def _due(wait: OpenWait, end: str = ".") -> tuple[Part, ...]:
    return (Moment(at=wait.due_at), end) if wait.due_at else (f"soon{end}",)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TOLD else f"{text[:TOLD]}…"


def _within(sentence: str) -> str:
    """A sentence as a part of another one."""
    text = _cut(sentence).rstrip(".")
    return f"{text[:1].lower()}{text[1:]}"
