"""What the tests of runs do in the process of a database's stack; each returns what is asserted."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.definitions import known_workflows
from celery_uncovered.workflows.engine import (
    claims,
    execution,
    hub,
    recovery,
    replay,
    statements,
    waiting,
)
from celery_uncovered.workflows.models import Event, Run, Step, Wait
from tests.integration.workflows.driver import advance, drive, is_waiting, park, run_of, steps

nothing: dict[str, str] = {}
GONE = "the connection is gone"
acted: list[str] = []


@workflows.step
def act(text: str) -> str:
    acted.append(text)
    return text


@workflows.workflow
def three(name: str) -> list[str]:
    return [act(f"{name}{number}") for number in range(3)]


@contextmanager
def dying_before(number: int) -> Iterator[None]:
    """As if the process died instead of recording its step with this number."""

    class DiedError(BaseException):
        pass

    record = statements.record_steps

    def die(rows: Any, ended: Any) -> Any:
        if any(row.number == number for row in rows):
            raise DiedError
        return record(rows, ended)

    try:
        with patch.object(statements, "record_steps", die):
            yield
    except DiedError:
        recovery.let_go_of("a job of the test")


# --- going on after a crash ------------------------------------------------------------------------------
def crash_in_the_middle() -> dict[str, Any]:
    acted.clear()
    handle = workflows.start(three, "a")
    with dying_before(2):
        advance(handle.id)
    before = list(acted)
    drive(handle.id)
    return {"before": before, "acted": acted, "result": handle.result(), "state": handle.state}


def lose_the_answer() -> dict[str, Any]:
    """The commit succeeded, and the connection was lost before its answer came."""
    acted.clear()
    insert = statements.insert_steps
    lost: list[int] = []

    def commit_and_lose(rows: Any) -> int:
        count = insert(rows)
        if len(lost) < 2:
            lost.append(count)
            raise OperationalError(GONE)
        return count

    handle = workflows.start(three, "a")
    with patch.object(statements, "insert_steps", commit_and_lose):
        drive(handle.id)
    return {"result": handle.result(), "acted": acted, "lost": lost, "steps": len(steps(handle.id))}


def recover_a_live_run() -> dict[str, Any]:
    """Another job looks for runs, and the sweep for forgotten ones, while a run is being advanced."""
    seen: list[Any] = []

    def look() -> str:
        run = Run.objects.get(id=handle.id)
        advance(handle.id, job="another job")
        recovery.let_go_of("another job")
        Run.objects.filter(id=handle.id).update(since=timezone.now() - timedelta(hours=1))
        recovery._forgotten()
        recovery.wake_untold()
        seen.append((run.epoch, Run.objects.get(id=handle.id).epoch, run.state))
        return "looked"

    with defined(look_once=workflows.step(name="look")(look)) as (look_once,):
        handle = workflows.start(look_once)
        drive(handle.id)
    return {"seen": seen, "result": handle.result(), "steps": steps(handle.id)}


def run_twice() -> dict[str, Any]:
    """Another process takes the run over while this one is in the middle of a step."""
    acted.clear()

    def be_taken_over() -> str:
        Run.objects.filter(id=handle.id).update(epoch=F("epoch") + 1, lease_job="another job")
        return act("after")

    step = workflows.step(name="taken")(be_taken_over)
    with defined(taken=lambda: [step(), act("never")]) as (taken,):
        handle = workflows.start(taken)
        advance(handle.id)
    run = run_of(handle)
    return {
        "acted": list(acted),
        "steps": steps(handle.id),
        "state": run.state,
        "lease": run.lease_job,
        "result": run.result,
        # Nobody else is to go on with it.
        "over": Run.objects.filter(id=handle.id).update(state="CANCELLED"),
    }


def be_taken_over_between_attempts() -> dict[str, Any]:
    """Another process has the run, and what it waits for, when the second attempt of a step ends."""
    tries: list[int] = []

    @workflows.step(retries=2, backoff=0.5)
    def try_twice() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        Run.objects.filter(id=handle.id).update(epoch=F("epoch") + 1, lease_job="another job")
        return "late"

    with defined(trying_twice=try_twice) as (trying,):
        handle = workflows.start(trying)
        drive(handle.id, until=lambda: len(tries) == 2)
    waits = Wait.objects.filter(run_id=handle.id).count()
    Run.objects.filter(id=handle.id).update(state="CANCELLED")
    return {"waits": waits, "steps": steps(handle.id)}


def crash_always() -> dict[str, Any]:
    acted.clear()
    handle = workflows.start(three, "a")
    states = []
    for _ in range(recovery.MOST_CRASHES + 1):
        with dying_before(1):
            advance(handle.id)
        states.append(run_of(handle).state)
    run = run_of(handle)
    error, crashes = run.error, run.crashes
    workflows.resume(handle.id)
    drive(handle.id)
    return {
        "states": states,
        "error": error,
        "crashes": crashes,
        "result": handle.result(),
        "acted": acted,
    }


def crash_between_attempts() -> dict[str, Any]:
    tries: list[float] = []

    @workflows.step(retries=4, backoff=1.0, factor=1)
    def try_again() -> int:
        tries.append(time.time())
        if len(tries) < 3:
            raise ConnectionError(len(tries))
        return len(tries)

    with defined(trying=try_again) as (trying,):
        handle = workflows.start(trying)
        park(handle)
        before = Wait.objects.get(run_id=handle.id)
        # Woken early, its process dies before the time has come.
        statements.wake([handle.id])
        advance(handle.id)
        after = Wait.objects.get(run_id=handle.id)
        drive(handle.id)
    (step,) = Step.objects.filter(run_id=handle.id)
    return {
        "same": (before.due_at, before.attempts) == (after.due_at, after.attempts),
        "attempts": step.attempts,
        "tries": len(tries),
        "pauses": [later - earlier for earlier, later in pairwise(tries)],
        "waits": Wait.objects.filter(run_id=handle.id).count(),
    }


# --- steps ---------------------------------------------------------------------------------------------
def fail_in_an_atomic_step() -> dict[str, Any]:
    @workflows.step(atomic=True)
    def make(name: str, *, fails: bool) -> str:
        Group.objects.create(name=name)
        if fails:
            raise ValueError(name)
        return name

    def body() -> list[str]:
        try:
            make("d10-bad", fails=True)
        except ValueError as error:
            return [str(error), make("d10-good", fails=False)]
        return []

    with defined(atomic=body) as (atomic,):
        handle = workflows.start(atomic)
        drive(handle.id)
    groups = Group.objects.filter(name__startswith="d10").values_list("name", flat=True)
    return {"groups": sorted(groups), "result": handle.result(), "steps": len(steps(handle.id))}


def be_taken_over_in_an_atomic_step() -> dict[str, Any]:
    @contextmanager
    def taken_over() -> Iterator[None]:
        Run.objects.filter(id=handle.id).update(epoch=F("epoch") + 1)
        with transaction.atomic():
            yield

    def make() -> str:
        Group.objects.create(name="d10-fenced")
        return "made"

    step = workflows.step(name="make", atomic=True)(make)
    with defined(atomic_fenced=step) as (atomic,):
        handle = workflows.start(atomic)
        with patch.object(hub, "transaction", SimpleNamespace(atomic=taken_over)):
            advance(handle.id)
    return {
        "groups": Group.objects.filter(name="d10-fenced").count(),
        "steps": steps(handle.id),
        "epoch": run_of(handle).epoch,
    }


def gather_in_any_order() -> dict[str, Any]:
    """The first time the later sides end first, in the replay the earlier ones."""
    acted.clear()
    gates = [threading.Event() for _ in range(3)]
    gates[2].set()

    @workflows.step
    def side(number: int) -> int:
        gates[number].wait(10)
        act(f"side {number}")
        if number:
            gates[number - 1].set()
        return number

    def body() -> list[int]:
        sides = workflows.gather(*(lambda n=n: side(n) for n in range(3)))
        workflows.sleep(0.05)
        return [*sides, side(1)]

    with defined(gathering=body) as (gathering,):
        handle = workflows.start(gathering)
        drive(handle.id)
    branches = [name for name, _, _ in steps(handle.id)]
    return {"acted": acted, "result": handle.result(), "branches": branches}


def return_what_cannot_be_kept() -> dict[str, Any]:
    @workflows.step
    def give(what: str) -> Any:
        return {"object": object(), "huge": "x" * 2_000_000}[what]

    def body() -> list[str]:
        sentences = []
        for what in ("object", "huge"):
            try:
                give(what)
            except Exception as error:  # noqa: BLE001
                sentences.append(f"{type(error).__name__}: {error}")
        return sentences

    with defined(giving=body) as (giving,):
        handle = workflows.start(giving)
        drive(handle.id)
    return {"result": handle.result(), "steps": len(steps(handle.id))}


class OddError(Exception):
    def __init__(self, code: int, *, word: str) -> None:
        self.code = code
        super().__init__(f"code {code}, {word}")


def raise_and_replay() -> dict[str, Any]:
    """Each error is raised once live and once from the history."""
    caught: list[str] = []

    @workflows.step
    def fail(kind: str) -> None:
        if kind == "key":
            nothing["nothing"]
        if kind == "odd":
            raise OddError(7, word="odd")
        raise FileNotFoundError(2, "No such file", "report.csv")

    def body() -> None:
        for kind in ("key", "odd", "file"):
            try:
                fail(kind)
            except (LookupError, OddError, OSError) as error:
                caught.append(f"{type(error).__name__}: {error}")
        workflows.sleep(0.02)

    with defined(failing=body) as (failing,):
        handle = workflows.start(failing)
        drive(handle.id)
    return {"caught": caught, "state": handle.state}


# --- waiting -------------------------------------------------------------------------------------------
def restart_a_sleep() -> dict[str, Any]:
    with defined(sleeper=lambda: workflows.sleep(1.5)) as (sleeper,):
        started = time.time()
        handle = workflows.start(sleeper)
        park(handle)
        due = Wait.objects.get(run_id=handle.id).due_at
        time.sleep(0.3)
        statements.wake([handle.id])
        advance(handle.id)
        again = Wait.objects.get(run_id=handle.id).due_at
        drive(handle.id)
    return {"same": due == again, "took": time.time() - started}


def events_before_and_after() -> dict[str, Any]:
    def body() -> list[Any]:
        act("begun")
        return [workflows.wait_for_event("d16", timeout=10) for _ in range(2)]

    Event.objects.create(key="d16", payload='"of another time"')
    with defined(listening=body) as (listening,):
        handle = workflows.start(listening)
        workflows.send_event("d16", "early")
        park(handle)
        workflows.send_event("d16", "late")
        drive(handle.id)
    return {
        "result": handle.result(),
        "left": Event.objects.filter(key="d16", taken_by=None).count(),
    }


def event_in_the_gap(*, after: bool) -> dict[str, Any]:
    """It comes while the run is being suspended: before the waits are durable, or right after."""
    suspend = statements.suspend
    key = f"d16-gap-{after}"

    def suspend_with_company(marks: Any, waits: Any) -> Any:
        if after:
            suspended = suspend(marks, waits)
            send_unheard(key)
            return suspended
        send_unheard(key)
        return suspend(marks, waits)

    def body() -> Any:
        return workflows.wait_for_event(key, timeout=10)

    with (
        patch.object(statements, "suspend", suspend_with_company),
        defined(gap=body) as (gap,),
    ):
        handle = workflows.start(gap)
        advance(handle.id)
    # Without any help of the sweep or the timer.
    woken = run_of(handle).state
    drive(handle.id)
    return {"woken": woken, "result": handle.result()}


def send_unheard(key: str) -> None:
    """Send an event whose sender has seen no wait."""
    with patch("celery_uncovered.workflows.events.tell"):
        workflows.send_event(key, 1)


def time_out_once() -> dict[str, Any]:
    answers: list[Any] = []

    def body() -> Any:
        answers.append(workflows.wait_for_event("d17", timeout=0.05))
        return workflows.wait_for_event("d17", timeout=30)

    with defined(timing=body) as (timing,):
        handle = workflows.start(timing)
        drive(handle.id, until=lambda: len(steps(handle.id)) == 1 and is_waiting(handle.id))
        workflows.send_event("d17", "late")
        drive(handle.id)
    return {
        "first": answers[-1],
        "second": handle.result(),
        "waits": Wait.objects.filter(run_id=handle.id).count(),
    }


def consume_in_order() -> dict[str, Any]:
    take = statements.take_event
    lost: list[int] = []

    def take_and_lose(row: Any, event: int) -> Any:
        taken = take(row, event)
        if len(lost) < 2:
            lost.append(event)
            raise OperationalError(GONE)
        return taken

    def body() -> list[Any]:
        return [workflows.wait_for_event("d18", timeout=5) for _ in range(3)]

    with defined(consuming=body) as (consuming,):
        handle = workflows.start(consuming)
        for number in range(4):
            workflows.send_event("d18", number)
        with patch.object(statements, "take_event", take_and_lose):
            drive(handle.id)
    taken = Event.objects.filter(key="d18", taken_by=handle.id).count()
    return {"result": handle.result(), "taken": taken, "lost": len(lost)}


def two_runs_one_event() -> dict[str, Any]:
    def body() -> Any:
        return workflows.wait_for_event("d18-two", timeout=0.5)

    with defined(sharing=body) as (sharing,):
        handles = workflows.start_many(sharing, [[], []])
        ids = [handle.id for handle in handles]
        drive(*ids, until=lambda: all(map(is_waiting, ids)))
        workflows.send_event("d18-two", "once")
        drive(*ids)
    return {"results": sorted(str(handle.result()) for handle in handles)}


def children() -> dict[str, Any]:
    def grandchild() -> None:
        workflows.wait_for_event("d19-never")

    def parent() -> Any:
        child = workflows.start(known["grandchild"])
        return child.result()

    with defined(grandchild=grandchild, parent=parent) as (inner, outer):
        known = {"grandchild": inner}
        handle = workflows.start(outer)
        drive(
            handle.id,
            until=lambda: (
                Run.objects.filter(workflow=inner.name, state="WAITING").exists()
                and is_waiting(handle.id)
            ),
        )
        child = Run.objects.get(parent_id=handle.id)
        held = Run.objects.filter(id__in=[handle.id, child.id]).exclude(lease_job=None).count()
        workflows.cancel(handle.id)
        child.refresh_from_db()
        states = [run_of(handle).state, child.state]
    return {"held": held, "states": states}


def end_of_a_child_in_the_gap() -> dict[str, Any]:
    """It ends while its parent is being suspended, and who suspends the parent dies right after."""
    suspend = statements.suspend

    def suspend_late(marks: Any, waits: Any) -> Any:
        Run.objects.filter(parent_id=handle.id).update(state="SUCCESS", result='"done"')
        return suspend(marks, waits)

    def child() -> Any:
        return workflows.wait_for_event("d19-gap", timeout=30)

    def parent() -> Any:
        return workflows.start(known["child"]).result()

    with (
        defined(gap_child=child, gap_parent=parent) as (inner, outer),
        patch.object(statements, "suspend", suspend_late),
        patch.object(waiting, "look_again", lambda _: None),
    ):
        known = {"child": inner}
        handle = workflows.start(outer)
        advance(handle.id)
        parked = run_of(handle).state
        recovery.wake_untold()
        drive(handle.id)
    return {"parked": parked, "result": handle.result(timeout=0)}


def child_result() -> dict[str, Any]:
    with defined(outer=lambda: workflows.start(three, "c").result()) as (outer,):
        handle = workflows.start(outer)
        drive(handle.id)
    return {"result": handle.result(), "children": Run.objects.filter(parent_id=handle.id).count()}


# --- changing code -------------------------------------------------------------------------------------
def redefine(workflow: Any, function: Any, code: str) -> None:
    """Deploy other code."""
    workflow.function = function
    workflow.code = code


def change_the_code() -> dict[str, Any]:
    def first() -> list[str]:
        one = act("one")
        workflows.sleep(1.0)
        return [one, act("two")]

    def swapped() -> list[str]:
        zero = act("zero")
        one = act("one")
        workflows.sleep(1.0)
        return [zero, one]

    def fixed() -> list[str]:
        one = act("one")
        workflows.sleep(1.0)
        return [one, act("three")]

    acted.clear()
    with defined(changing=first) as (changing,):
        handle = workflows.start(changing)
        park(handle)
        redefine(changing, swapped, "2")
        drive(handle.id)
        blocked = run_of(handle)
        recovery.sweep()
        still = run_of(handle).state
        redefine(changing, fixed, "3")
        recovery.sweep()
        drive(handle.id)
    return {
        "state": blocked.state,
        "error": blocked.error,
        "still": still,
        "result": handle.result(),
        "acted": acted,
    }


def change_a_side() -> dict[str, Any]:
    """One of three branches does not fit; the others are in the middle of something."""
    released: list[str] = []

    def body(name: str) -> Any:
        def wait(key: str) -> Any:
            try:
                return workflows.wait_for_event(key, timeout=30)
            finally:
                released.append(key)

        def run() -> Any:
            return workflows.gather(
                lambda: wait("d20-a"), lambda: [act(name), wait("d20-b")], lambda: wait("d20-c")
            )

        return run

    with defined(sides=body("one")) as (sides,):
        handle = workflows.start(sides)
        park(handle)
        released.clear()
        redefine(sides, body("other"), "2")
        statements.wake([handle.id])
        advance(handle.id)
    run = run_of(handle)
    workflows.cancel(handle.id)
    return {"state": run.state, "error": run.error, "released": sorted(released)}


def differences() -> dict[str, str]:
    """What is said of each way in which a history may not fit."""

    def first() -> None:
        act("one")
        workflows.gather(lambda: act("left"), lambda: act("right"))
        workflows.sleep(0.01)

    def body(text: str, side: str, *, waits: bool = True) -> Any:
        def run() -> None:
            act(text)
            workflows.gather(lambda: act("left"), lambda: act(side))
            if waits:
                workflows.sleep(0.01)

        return run

    said = {}
    with defined(differing=first) as (differing,):
        handle = workflows.start(differing)
        drive(handle.id)
        run = run_of(handle)
        for name, function in {
            "fits": body("one", "right"),
            "argument": body("other", "right"),
            "side": body("one", "other"),
            "shorter": body("one", "right", waits=False),
            "longer": lambda: [body("one", "right")(), act("more")],
            "other": lambda: workflows.sleep(1),
        }.items():
            redefine(differing, function, name)
            said[name] = replay.difference(run)
    return said


def patch_the_code() -> dict[str, Any]:
    def old() -> list[str]:
        return [act("old"), str(workflows.wait_for_event("d21", timeout=1.0))]

    def new() -> list[str]:
        first = act("new") if workflows.patched("change") else act("old")
        return [first, str(workflows.wait_for_event("d21", timeout=1.0))]

    with defined(patching=old) as (patching,):
        before = workflows.start(patching)
        park(before)
        redefine(patching, new, "2")
        after = workflows.start(patching)
        drive(before.id, after.id)
    return {"before": before.result(), "after": after.result()}


def replay_histories() -> dict[str, Any]:
    def first() -> None:
        act("one")
        workflows.wait_for_event("d22")

    with defined(stored=first) as (stored,):
        handle = workflows.start(stored)
        park(handle)
        good = command("--workflow", stored.name)
        redefine(stored, lambda: act("two"), "2")
        bad = command("--workflow", stored.name)
        workflows.cancel(handle.id)
    return {"good": good, "bad": bad, "id": handle.id, "acted": acted[-1]}


def command(*arguments: str) -> list[str]:
    output = io.StringIO()
    try:
        call_command("replay_histories", *arguments, stdout=output)
    except CommandError as error:
        return [*output.getvalue().splitlines(), f"error: {error}"]
    return output.getvalue().splitlines()


# --- steering ------------------------------------------------------------------------------------------
def keys() -> dict[str, Any]:
    def body(name: str) -> Any:
        return workflows.wait_for_event(f"closed:{name}", timeout=1.0)

    with defined(keyed=body) as (keyed,):
        first, again = (workflows.start_with(keyed, ["x"], key="pr-1") for _ in range(2))
        park(first)
        workflows.send_event("closed:x", "first close")
        workflows.send_event("closed:x", "closed twice")
        drive(first.id)
        reopened = workflows.start_with(keyed, ["x"], key="pr-1")
        drive(reopened.id)
        known = workflows.start_with(keyed, ["x"], key="pr-1", afterwards="return")
        try:
            refused = workflows.start_with(keyed, ["x"], key="pr-1", afterwards="refuse").id
        except workflows.WorkflowError as error:
            refused = str(error)
    return {
        "same": first.id == again.id,
        "first": first.result(),
        "other": reopened.id != first.id,
        "second": reopened.result(),
        "known": known.id == reopened.id,
        "refused": refused.replace(reopened.id, "ID"),
    }


def start_at_once() -> list[str]:
    """Many threads start a run under the same key at the same moment."""
    ids: list[str] = []
    together = threading.Barrier(4)

    def begin() -> None:
        together.wait(10)
        ids.append(workflows.start_with(three, ["k"], key="d23-once").id)
        connection.close()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    drive(*ids)
    return ids


def steer() -> dict[str, Any]:
    outcome = {"fails": True}

    @workflows.step
    def delicate() -> str:
        act("delicate")
        if outcome["fails"]:
            raise RuntimeError("broken")  # noqa: EM101
        return "whole"

    def body() -> list[str]:
        return [act("before"), delicate(), act("after")]

    acted.clear()
    with defined(steered=body) as (steered,):
        handle = workflows.start(steered)
        drive(handle.id)
        failed = run_of(handle)
        outcome["fails"] = False
        workflows.resume(handle.id)
        drive(handle.id)
        resumed = list(acted)
        acted.clear()
        forked = workflows.fork(handle.id, 2)
        drive(forked.id)
        many = workflows.start_many(steered, [[], []])
        cancelled = workflows.cancel_many([one.id for one in many])
        try:
            workflows.resume(handle.id)
        except workflows.WorkflowError as error:
            refused = str(error).replace(handle.id, "ID")
    return {
        "failed": [failed.state, failed.error_type, failed.error],
        "result": handle.result(),
        "resumed": resumed,
        "forked": [forked.result(), list(acted)],
        "cancelled": len(cancelled),
        "states": [one.state for one in many],
        "refused": refused,
    }


def cancel_while_it_ends() -> dict[str, Any]:
    """From another connection, between the last step and the end."""
    finish = statements.finish

    def finish_late(rows: Any) -> Any:
        ids = [row.run_id for row in rows]

        def cancel() -> None:
            workflows.cancel_many(ids)
            connection.close()

        thread = threading.Thread(target=cancel)
        thread.start()
        thread.join(10)
        return finish(rows)

    with patch.object(statements, "finish", finish_late):
        handles = workflows.start_many(three, [["x"], ["y"]])
        drive(*[handle.id for handle in handles])
    return {
        "states": [handle.state for handle in handles],
        "again": workflows.cancel(handles[0].id),
    }


def show_values() -> dict[str, Any]:
    def body(number: int) -> Any:
        workflows.set_value("number", number)
        act(f"round {number}")
        if number < 3:
            workflows.continue_as_new(number + 1)
        workflows.wait_for_event("d26", timeout=5)
        return number

    with defined(rounds=body) as (rounds,):
        handle = workflows.start(rounds, 1)
        park(handle)
        shown = handle.query("number")
        history = claims.with_history(run_of(handle)).history.count
        workflows.send_event("d26")
        drive(handle.id)
    return {
        "shown": shown,
        "history": history,
        "result": handle.result(),
        "none": handle.query("x"),
    }


def record_too_much() -> dict[str, Any]:
    def body() -> None:
        for number in range(30):
            # What a careless workflow does.
            with suppress(Exception):
                act(str(number))

    acted.clear()
    with patch.object(execution, "HISTORY_LIMIT", 20), defined(endless=body) as (endless,):
        handle = workflows.start(endless)
        drive(handle.id)
    run = run_of(handle)
    return {"state": run.state, "error": run.error, "steps": len(steps(handle.id))}


# --- what it costs -------------------------------------------------------------------------------------
def count_statements() -> dict[str, list[int]]:
    """Statements of the engine for runs of 10 and of 60 steps: what a new run asks, and a replayed one.

    Under "loads" those of the replayed one that read its steps.
    """

    def body(many: int) -> None:
        for number in range(many):
            act(str(number))
        workflows.wait_for_event("cost")

    counts: dict[str, list[int]] = {"new": [], "replayed": [], "loads": []}
    with defined(costing=body) as (costing,):
        for many in (10, 60):
            handle = workflows.start(costing, many)
            for kind in ("new", "replayed"):
                if kind == "replayed":
                    statements.wake([handle.id])
                with CaptureQueriesContext(connection) as queries:
                    advance(handle.id)
                asked = [one["sql"] for one in queries if is_asked(one["sql"])]
                counts[kind].append(len(asked))
            counts["loads"].append(sum(sql.startswith(LOAD) for sql in asked))
            workflows.cancel(handle.id)
    return counts


def is_asked(sql: str) -> bool:
    """Not what begins and ends transactions, nor the look for cancelled runs from time to time."""
    is_control = sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
    return not is_control and not sql.startswith(LOOK)


LOAD = 'SELECT "workflows_step"'
LOOK = 'SELECT "workflows_run"."id" AS "id" FROM "workflows_run" WHERE ("workflows_run"."cancel_requested"'


def replay_cost() -> float:
    """Seconds of processor time that replaying a run of 1,000 steps takes."""

    def body() -> None:
        for number in range(1000):
            act(str(number))

    with defined(long=body) as (long,):
        handle = workflows.start(long)
        drive(handle.id)
        claim = claims.with_history(run_of(handle))
        started = time.process_time()
        replay.Replay().replay(claim)
        return time.process_time() - started


# --- helpers -------------------------------------------------------------------------------------------
@contextmanager
def defined(**functions: Any) -> Iterator[tuple[Any, ...]]:
    """Workflows for a moment, by their names."""
    made = []
    for name, function in functions.items():
        known_names = known_workflows()
        workflow = workflows.workflow(name=f"case.{name}.{len(known_names)}")(function)
        made.append(workflow)
    yield tuple(made)
