"""What the tests of fences do in the process of a database's stack: who was overtaken changes nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction
from django.db.models import F

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine import hub, replay, statements
from celery_uncovered.workflows.models import Event, Run, Wait
from tests.integration.workflows.cases import GONE, act, defined
from tests.integration.workflows.driver import advance, drive, is_waiting, park, run_of, steps
from tests.integration.workflows.logs import logged


def overtaken(name: str) -> dict[str, Any]:
    """Another process takes the run over right before this one says ``name``, a statement."""
    statement = getattr(statements, name)

    def say_late(*said: Any) -> Any:
        held = Run.objects.filter(id=handle.id)
        held.update(epoch=F("epoch") + 1, lease_job="another job")
        return statement(*said)

    def body() -> str:
        act("before")
        if name == "suspend":
            workflows.sleep(60)
        if name == "take_event":
            workflows.wait_for_event("d5", timeout=60)
        return "done"

    Event.objects.filter(key="d5").delete()
    with defined(overtaken=body) as (workflow,):
        handle = workflows.start(workflow)
        workflows.send_event("d5")
        with patch.object(statements, name, say_late):
            advance(handle.id)
    run = run_of(handle)
    Run.objects.filter(id=handle.id).update(state="CANCELLED")
    return {
        "run": [run.state, run.lease_job, run.result],
        "steps": len(steps(handle.id)),
        "waits": Wait.objects.filter(run_id=handle.id).count(),
        "taken": Event.objects.filter(key="d5", taken_by=handle.id).count(),
    }


def lose_an_atomic_commit(*, counts: bool) -> dict[str, Any]:
    """The connection is lost as an atomic step commits: right after that, or right before."""
    atomic = transaction.atomic
    lost: list[str] = []

    @contextmanager
    def commit_and_lose() -> Iterator[None]:
        with atomic():
            yield
            if not lost and not counts:
                lost.append("before")
                raise OperationalError(GONE)
        if not lost:
            lost.append("after")
            raise OperationalError(GONE)

    name = f"d3-{counts}"

    @workflows.step(atomic=True)
    def make() -> str:
        act(name)
        Group.objects.create(name=name)
        return name

    def body() -> list[str]:
        return [make(), act("next")]

    before = len([one for one in _acted() if one == name])
    with defined(losing=body) as (losing,):
        handle = workflows.start(losing)
        with patch.object(hub, "transaction", SimpleNamespace(atomic=commit_and_lose)):
            advance(handle.id)
        drive(handle.id)
    return {
        "lost": lost,
        "made": len([one for one in _acted() if one == name]) - before,
        "groups": Group.objects.filter(name=name).count(),
        "steps": [label for label, _, _ in steps(handle.id)],
        "result": handle.result(timeout=0),
    }


def _acted() -> list[str]:
    from tests.integration.workflows import cases  # noqa: PLC0415

    return list(cases.acted)


def time_out() -> dict[str, Any]:
    tries: list[float] = []

    @workflows.step(timeout=0.5, retries=1, backoff=0.05)
    def dawdle() -> str:
        tries.append(time.monotonic())
        time.sleep(1.0 if len(tries) < 2 else 0)
        return "at last"

    @workflows.step(timeout=0.1)
    def never() -> None:
        time.sleep(0.6)

    def body() -> list[str]:
        first = dawdle()
        try:
            never()
        except workflows.StepTimeoutError as error:
            return [first, str(error)]
        return []

    with defined(dawdling=body) as (dawdling,):
        handle = workflows.start(dawdling)
        drive(handle.id)
    return {"result": handle.result(timeout=0), "tries": len(tries)}


def time_out_while_atomic() -> dict[str, Any]:
    """It goes on in its thread, and whichever of the two comes first is the step's one outcome."""
    ended = threading.Event()

    @workflows.step(atomic=True, timeout=0.1)
    def make() -> str:
        try:
            time.sleep(0.5)
            Group.objects.create(name="d9-late")
            return "made"
        finally:
            ended.set()

    def body() -> str:
        try:
            return make()
        except workflows.StepTimeoutError:
            return "timed out"

    with defined(late=body) as (late,):
        handle = workflows.start(late)
        drive(handle.id)
        ended.wait(10)
        # Its transaction ends a moment later.
        deadline = time.monotonic() + 10
        while threads_of_steps() and time.monotonic() < deadline:
            time.sleep(0.01)
        fits = replay.difference(run_of(handle))
    return {
        "outcome": [handle.result(timeout=0), Group.objects.filter(name="d9-late").count()],
        "steps": len(steps(handle.id)),
        "fits": fits,
    }


def threads_of_steps() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "workflow-step"]


def cancel_in_the_gap() -> dict[str, Any]:
    """It is cancelled while it is on its way to being parked."""
    suspend = statements.suspend

    def suspend_late(marks: Any, waits: Any) -> Any:
        elsewhere(lambda: workflows.cancel(handle.id))
        return suspend(marks, waits)

    with defined(parking=lambda: workflows.sleep(60)) as (parking,):
        handle = workflows.start(parking)
        with patch.object(statements, "suspend", suspend_late):
            advance(handle.id)
    return {"state": run_of(handle).state}


def start_a_child_after_being_cancelled() -> dict[str, Any]:
    """Before its worker has looked whether it was."""

    @workflows.step
    def be_cancelled() -> None:
        workflows.cancel(handle.id)

    def parent() -> Any:
        be_cancelled()
        return workflows.start(known["child"]).result()

    with (
        defined(child=lambda: workflows.sleep(60), parent=parent) as (inner, outer),
        patch.object(hub, "LOOK_SECONDS", 30.0),
    ):
        known = {"child": inner}
        handle = workflows.start(outer)
        advance(handle.id)
    children = Run.objects.filter(parent_id=handle.id).values_list("state", flat=True)
    return {"state": run_of(handle).state, "children": list(children)}


def elsewhere(do: Callable[[], Any]) -> None:
    """In another thread, on another connection."""

    def act_and_close() -> None:
        do()
        connection.close()

    thread = threading.Thread(target=act_and_close)
    thread.start()
    thread.join(20)


def cancel_families_as_they_end(families: int) -> dict[str, Any]:
    """Parents with two children each end and are cancelled by two others at the same time."""

    def child() -> None:
        act("child")

    def parent() -> None:
        children = [workflows.start(known["child"]) for _ in range(2)]
        for one in children:
            one.result()

    refused: list[str] = []

    def cancel_all(ids: list[str]) -> None:
        for run_id in ids:
            try:
                workflows.cancel(run_id)
            except OperationalError as error:
                refused.append(str(error))
        connection.close()

    with (
        logged("celery_uncovered.workflows") as lines,
        defined(child=child, parent=parent) as (
            inner,
            outer,
        ),
    ):
        known = {"child": inner}
        ids = [one.id for one in workflows.start_many(outer, [[]] * families)]
        threads = [threading.Thread(target=cancel_all, args=[order]) for order in (ids, ids[::-1])]
        for thread in threads:
            thread.start()
        drive(*ids)
        for thread in threads:
            thread.join(30)
        family = Run.objects.filter(workflow__in=[inner.name, outer.name])
        drive(*family.values_list("id", flat=True))
        states = set(family.values_list("state", flat=True))
    waited = [line for line in lines if "deadlock" in line.lower()]
    return {"refused": refused, "waited": waited, "states": sorted(states)}


def cancel_a_parent_as_its_child_ends() -> dict[str, Any]:
    """Both have locked a row that the other one wants next, if they lock in another order."""
    paused = threading.Event()
    refused: list[str] = []

    def pause(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if not paused.is_set() and ("FOR UPDATE" in sql or sql.startswith(("UPDATE", "DELETE"))):
            paused.set()
            time.sleep(0.7)
        return done

    def cancel() -> None:
        try:
            with connection.execute_wrapper(pause):
                workflows.cancel(handle.id)
        except OperationalError as error:
            refused.append(str(error))
        connection.close()

    def parent() -> Any:
        return workflows.start(known["child"]).result()

    with (
        logged("celery_uncovered.workflows") as lines,
        defined(child=lambda: workflows.wait_for_event("d25"), parent=parent) as (inner, outer),
    ):
        known = {"child": inner}
        handle = workflows.start(outer)
        drive(
            handle.id,
            until=lambda: (
                Run.objects.filter(workflow=inner.name, state="WAITING").exists()
                and is_waiting(handle.id)
            ),
        )
        child = Run.objects.get(parent_id=handle.id)
        workflows.send_event("d25")
        thread = threading.Thread(target=cancel)
        thread.start()
        paused.wait(10)
        advance(child.id)
        thread.join(20)
    child.refresh_from_db()
    return {
        "refused": refused,
        "waited": [line for line in lines if "deadlock" in line.lower()],
        "states": [run_of(handle).state, child.state],
    }


def wait_for_a_slow_child() -> dict[str, Any]:
    def child() -> str:
        return str(workflows.wait_for_event("d19-slow"))

    def parent() -> list[str]:
        started = workflows.start(known["child"])
        try:
            started.result(timeout=0.1)
        except workflows.RunNotFinalError as error:
            first = str(error).replace(started.id, "ID")
        return [first, started.result(timeout=60)]

    with defined(child=child, parent=parent) as (inner, outer):
        known = {"child": inner}
        handle = workflows.start(outer)
        drive(handle.id, until=lambda: "outcome#1" in [label for label, _, _ in steps(handle.id)])
        workflows.send_event("d19-slow", "here")
        drive(handle.id)
    return {"result": handle.result(timeout=0)}


def tell_the_operator() -> dict[str, Any]:
    """A run that is blocked for its code, one whose workflow is gone, one that is about to be too long."""
    from celery_uncovered.workflows import definitions  # noqa: PLC0415
    from celery_uncovered.workflows.engine import execution  # noqa: PLC0415

    def first() -> None:
        act("one")
        workflows.sleep(1.0)

    with logged("celery_uncovered.workflows") as lines, defined(first=first, gone=first) as made:
        changing, gone = made
        blocked, lost = workflows.start(changing), workflows.start(gone)
        park(blocked)
        changing.function = lambda: act("two")
        definitions._workflows.pop(gone.name)
        drive(blocked.id, lost.id)
        with patch.object(execution, "HISTORY_WARNING", 2), defined(long=first) as (long,):
            drive(workflows.start(long).id)
    names = [changing.name, gone.name, long.name]
    return {
        "lines": [
            line.replace(blocked.id, "ID").replace(lost.id, "ID")
            for line in lines
            if any(name in line for name in names)
        ],
        "names": names,
        "states": [run_of(blocked).state, run_of(lost).state],
    }


def resume_and_fork_many() -> dict[str, Any]:
    outcome = {"fails": True}

    @workflows.step
    def delicate(name: str) -> str:
        if outcome["fails"]:
            raise RuntimeError(name)
        return name

    def body(name: str) -> list[str]:
        return [act(name), delicate(f"{name}!")]

    with defined(many=body) as (many,):
        handles = workflows.start_many(many, [["a"], ["b"]])
        ids = [one.id for one in handles]
        drive(*ids)
        failed = [one.state for one in handles]
        outcome["fails"] = False
        resumed = workflows.resume_many(ids)
        drive(*ids)
        again = workflows.resume_many(ids)
        forked = workflows.fork_many(ids, 1)
        drive(*[one.id for one in forked])
    return {
        "failed": failed,
        "resumed": resumed == ids,
        "again": again,
        "results": [one.result(timeout=0) for one in (*handles, *forked)],
        "acted": sorted(one for one in _acted() if one in {"a", "b"}),
    }
