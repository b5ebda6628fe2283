"""The sentence that says why a run does not move: for each cause, since when, and what ends it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.looking.runs import OpenWait, RunInfo
from celery_uncovered.workflows.looking.standing import (
    Cause,
    Moment,
    RunName,
    Standing,
    Surroundings,
    compose,
)
from celery_uncovered.workflows.states import RunState

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(minutes=4)
BEGAN, DUE = "on 2026-05-04 at 11:56:00 UTC", "on 2026-05-04 at 15:00:00 UTC"
LATER = NOW + timedelta(hours=3)


def run(state: str = "WAITING", **fields: Any) -> RunInfo:
    given = {
        "id": "run-1",
        "workflow": "shop.workflows.remind",
        "key": None,
        "queue": "default",
        "state": RunState(state),
        "since": SINCE,
        "created_at": SINCE,
        "started_at": SINCE,
        "finished_at": None,
        "parent_id": None,
        "forked_from": None,
        "history_from": 0,
        "epoch": 1,
        "crashes": 0,
        "cancel_requested": False,
        "lease_job": None,
        "error": "",
        "error_type": "",
    }
    return RunInfo(**given | fields)


def wait(kind: str = "time", **fields: Any) -> OpenWait:
    given: dict[str, Any] = {
        "branch": "",
        "name": "sleep",
        "kind": kind,
        "key": None,
        "attempts": 0,
        "error": "",
        "began_at": SINCE,
        "due_at": None,
    }
    return OpenWait(**given | fields)


def worker(*queues: str) -> jobs.WorkerInfo:
    name = f"of {queues}"
    return jobs.WorkerInfo(
        id=name, name=name, host="a", started_at=SINCE, beat_at=NOW, queues=queues
    )


LED = jobs.Dispatching(holder="one", is_led=True, acted_at=NOW, lag=0.0)
UNLED = jobs.Dispatching(holder="", is_led=False, acted_at=None, lag=0.0)
WELL = Surroundings(workers=[worker("default")], dispatching=LED, is_held=True)


def standing(
    of: RunInfo, *waits: OpenWait, around: Surroundings = WELL, now: datetime = NOW
) -> Standing:
    return compose(of, waits, around, now)


def test_a_timer_ends_by_itself_and_the_sentence_says_when() -> None:
    found = standing(run(), wait(due_at=LATER))
    assert found.cause is Cause.TIME
    assert found.since == SINCE
    assert found.sentence == f"Its sleep began {BEGAN} and ends by itself {DUE}."
    assert Moment(at=LATER) in found.parts


def test_an_event_is_named_and_so_is_the_time_that_ends_the_wait_without_it() -> None:
    bare = standing(run(), wait("event", key="closed:7"))
    assert bare.cause is Cause.EVENT
    begin = f"It began to wait for the event “closed:7” {BEGAN} and goes on when that event is sent"
    assert bare.sentence == f"{begin}."
    timed = standing(run(), wait("event", key="closed:7", due_at=LATER))
    assert timed.sentence == f"{begin}, or without it {DUE}."


def test_a_child_is_linked_with_its_state() -> None:
    child = run("BLOCKED", id="run-2", workflow="shop.workflows.pack")
    found = standing(run(), wait("child", key="run-2", run=child))
    assert found.cause is Cause.CHILD
    assert RunName(run_id="run-2", workflow="shop.workflows.pack") in found.parts
    assert found.sentence == (
        f"It began to wait for the run shop.workflows.pack run-2 {BEGAN}"
        " and goes on when that run, which is blocked, ends."
    )
    gone = standing(run(), wait("child", key="run-2"))
    assert "there is no such run any more" in gone.sentence
    assert gone.sentence.count("run-2") == 1


def test_a_backoff_tells_the_attempt_the_error_and_the_next_one() -> None:
    waits = wait(
        "backoff", name="charge", attempts=2, error="ConnectionError: no route", due_at=LATER
    )
    found = standing(run(), waits)
    assert found.cause is Cause.BACKOFF
    assert found.sentence == (
        f"Attempt 2 of its step “charge” failed {BEGAN} (ConnectionError: no route),"
        f" and the next one begins by itself {DUE}."
    )


@pytest.mark.parametrize("state", ["READY", "RUNNING"])
def test_a_paused_queue_is_said_before_anything_else(state: str) -> None:
    paused = jobs.PausedQueueInfo(
        queue="default", since=SINCE, by="ada", reason="the printer burns"
    )
    around = Surroundings(workers=[], dispatching=UNLED, is_held=False, paused={"default": paused})
    found = standing(run(state), around=around)
    assert found.cause is Cause.PAUSED
    assert found.sentence.endswith(
        f", but its queue “default” was paused by ada {BEGAN} (the printer burns);"
        " it goes on when somebody resumes the queue."
    )
    moving = replace(around, is_held=True)
    assert standing(run("RUNNING"), around=moving).cause is Cause.MOVING
    bare = jobs.PausedQueueInfo(queue="default", since=SINCE, by="", reason="")
    told = standing(run(state), around=replace(around, paused={"default": bare}))
    assert f"was paused {BEGAN}; it goes" in told.sentence


def test_several_waits_are_named_up_to_three() -> None:
    waits = [
        wait("event", key="a"),
        wait("time", due_at=LATER),
        wait("child", key="run-2", run=run("READY", id="run-2", workflow="pack")),
        *[wait("event", key=f"more {number}") for number in range(4)],
    ]
    found = standing(run(), *waits)
    assert found.cause is Cause.SEVERAL
    assert found.sentence == (
        f"It has 7 waits, of which the first began {BEGAN}, and goes on when one of them ends:"
        f" the event “a”, a time, due {DUE}, the end of the run pack run-2 and 4 more."
    )


def test_a_wait_that_is_over_and_no_dispatcher_to_say_so() -> None:
    after = LATER + timedelta(minutes=1)
    late = standing(run(), wait(due_at=LATER), around=replace(WELL, dispatching=UNLED), now=after)
    assert late.cause is Cause.NO_DISPATCHER
    assert late.sentence == (
        f"Its wait began {BEGAN} and was over {DUE}, but no dispatcher is alive to wake it;"
        " it goes on when one is started (manage.py dispatcher)."
    )
    assert standing(run(), wait(due_at=LATER), now=after).cause is Cause.TIME


def test_a_run_that_is_ready_has_no_worker() -> None:
    found = standing(run("READY"), around=replace(WELL, workers=[], is_held=False))
    assert found.cause is Cause.NO_WORKER
    assert found.sentence == (
        f"It became ready {BEGAN}, but no worker is alive; it goes on when one is started."
    )


def test_a_queue_that_no_worker_takes_from() -> None:
    one = replace(WELL, workers=[worker("io")])
    found = standing(run("READY"), around=one)
    assert found.cause is Cause.QUEUE
    assert found.sentence == (
        f"It became ready {BEGAN}, but the one worker that is alive takes jobs from “io” only;"
        " it goes on when one takes jobs from its queue “default”."
    )
    two = replace(WELL, workers=[worker("mail", "io"), worker()])
    assert "the 2 workers that are alive take jobs from “io”, “mail” only" in (
        standing(run("READY"), around=two).sentence
    )
    none = replace(WELL, workers=[worker()])
    assert "is alive takes jobs from no queue; it" in standing(run("READY"), around=none).sentence
    # One that has not said from which.
    unknown = replace(worker(), queues=None)
    around = replace(WELL, workers=[worker("io"), unknown])
    assert standing(run("READY"), around=around).cause is Cause.TURN


def test_a_run_whose_turn_it_is_or_whose_job_nobody_sends() -> None:
    turn = standing(run("READY"))
    assert turn.sentence == (
        f"It became ready {BEGAN} and goes on when a worker of the queue “default” has time for it."
    )
    unsent = standing(run("READY"), around=replace(WELL, dispatching=UNLED))
    assert unsent.cause is Cause.NO_DISPATCHER
    fresh = standing(run("READY", since=NOW), around=replace(WELL, dispatching=UNLED))
    assert fresh.cause is Cause.TURN


def test_a_run_that_a_live_worker_holds_moves() -> None:
    found = standing(run("RUNNING"))
    assert not found.is_still
    assert found.sentence == f"It moves: a worker took it up {BEGAN}."
    assert "it stops at what it does next" in (
        standing(run("RUNNING", cancel_requested=True)).sentence
    )


@pytest.mark.parametrize(
    ("workers", "dispatching", "cause", "end"),
    [
        ([], LED, Cause.NO_WORKER, "no other one is alive; it goes on when one is started."),
        ([worker("io")], LED, Cause.QUEUE, "when one takes jobs from its queue “default”."),
        (
            [worker("default")],
            UNLED,
            Cause.NO_DISPATCHER,
            "it goes on when one is started (manage.py dispatcher).",
        ),
        ([worker("default")], LED, Cause.TURN, "which takes 30 s at most."),
    ],
)
def test_a_run_whose_worker_is_gone(
    workers: Sequence[jobs.WorkerInfo], dispatching: jobs.Dispatching, cause: Cause, end: str
) -> None:
    around = Surroundings(workers=workers, dispatching=dispatching, is_held=False)
    found = standing(run("RUNNING"), around=around)
    assert found.cause is cause
    assert found.is_still
    assert found.sentence.startswith(f"The worker that took it up {BEGAN} is gone")
    assert found.sentence.endswith(end)


def test_a_blocked_run_says_what_changed_and_the_remedy() -> None:
    error = 'The history goes on with step "a#1"; the code goes on with step "b#1".'
    found = standing(run("BLOCKED", error=error))
    assert found.cause is Cause.BLOCKED
    assert found.sentence == (
        f'It was blocked {BEGAN} because the history goes on with step "a#1"; the code goes on with'
        ' step "b#1": deploy code that fits (patched() keeps the old path for runs that took it),'
        " and it goes on by itself."
    )


def test_a_run_whose_secrets_cannot_be_opened_asks_for_the_key() -> None:
    found = standing(run("BLOCKED", error=str(jobs.SealBrokenError())))
    assert found.cause is Cause.BLOCKED
    assert found.sentence == (
        f"It was blocked {BEGAN} because a secret cannot be opened: it was sealed under a SECRET_KEY"
        " that is neither the present one nor among SECRET_KEY_FALLBACKS: put that key there, and"
        " resume it."
    )


def test_a_run_whose_workflow_is_gone_says_so() -> None:
    error = 'Workflow "shop.workflows.remind" is not registered.'
    assert standing(run("BLOCKED", error=error)).sentence == (
        f'It was blocked {BEGAN} because workflow "shop.workflows.remind" is not registered:'
        " deploy code that has it, and it goes on by itself."
    )


def test_a_dead_letter_waits_for_somebody_to_resume_it() -> None:
    found = standing(run("DEAD", error="Its worker process died 5 times in a row over it."))
    assert found.cause is Cause.DEAD
    assert found.sentence == (
        f"It became a dead letter {BEGAN} because its worker process died 5 times in a row over it;"
        " it goes on when you resume it, once the cause is mended."
    )


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("SUCCESS", f"It succeeded {BEGAN}."),
        ("CANCELLED", f"It was cancelled {BEGAN}; resume lets it go on where it was."),
        ("FAILURE", f"It failed {BEGAN} with ValueError: odd; resume tries again what failed."),
    ],
)
def test_what_is_over_says_how(state: str, sentence: str) -> None:
    found = standing(run(state, error="odd.", error_type="ValueError"))
    assert not found.is_still
    assert found.sentence == sentence


@pytest.mark.parametrize("state", RunState.values)
def test_each_sentence_is_one_and_names_its_moment(state: str) -> None:
    waits = [wait(due_at=LATER)] if state == "WAITING" else []
    found = standing(run(state, error="Some\nlong " + "reason " * 200), *waits)
    assert found.since == SINCE
    assert BEGAN in found.sentence
    assert found.sentence.endswith(".")
    assert "\n" not in found.sentence
    assert len(found.sentence) < 600


def test_a_run_that_is_just_being_woken() -> None:
    assert "what it waited for has come" in standing(run()).sentence
