"""What the tests of scope and secrets do in the process of a database's stack."""

import json
import time
from typing import Any

from django.test import override_settings
from django.utils import translation

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine import recovery
from celery_uncovered.workflows.models import Event, Run, Step, Wait
from tests.integration.workflows.cases import defined
from tests.integration.workflows.driver import drive, is_waiting, park, run_of

SECRET = "correct-horse-battery"


def look() -> list[Any]:
    return [translation.get_language(), jobs.scope.get("tenant")]


@workflows.step
def see() -> list[Any]:
    return look()


@workflows.step
def see_slowly() -> list[Any]:
    """In a thread, always."""
    time.sleep(0.005)
    return look()


@workflows.step(atomic=True)
def see_atomically() -> list[Any]:
    return look()


def inherit() -> dict[str, Any]:
    """A run with a scope beside one without, in one process: before and after a real wait."""

    def child() -> list[Any]:
        return see()

    def body(event: str) -> Any:
        inline = [see() for _ in range(5)]
        sides = workflows.gather(see, see_slowly, lambda: [*look()], see_atomically)
        workflows.wait_for_event(event, timeout=20)
        inner = workflows.start(known["child"]).result()
        forked = [look(), see(), see_slowly(), inner]
        return [look(), *inline, *sides, *forked]

    with defined(child=child, scoped=body) as (inner, scoped):
        known = {"child": inner}
        with translation.override("de"), jobs.scope.use(tenant="acme"):
            with_scope = workflows.start(scoped, "scope-one")
        without = workflows.start(scoped, "scope-two")
        ids = [with_scope.id, without.id]
        drive(*ids, until=lambda: all(map(is_waiting, ids)))
        for key in ("scope-one", "scope-two"):
            workflows.send_event(key)
        drive(*ids)
        with_scope_and_step = workflows.fork(with_scope.id, 2)
        drive(with_scope_and_step.id, until=lambda: is_waiting(with_scope_and_step.id))
        workflows.send_event("scope-one")
        drive(with_scope_and_step.id)
    results = (with_scope, without, with_scope_and_step)
    return {
        "seen": [[*map(list, {tuple(one) for one in run.result(timeout=0)})] for run in results],
        "left": look(),
        "jobs": [job.message for job in _advancing() if '"scope"' in job.message],
    }


def _advancing() -> list[Any]:
    from celery_uncovered.jobs.models import Job  # noqa: PLC0415

    return list(Job.objects.filter(task="celery_uncovered.workflows.tasks.advance_runs"))


def seal() -> dict[str, Any]:
    """A secret is an argument, a result, part of an event, of an error, of what is shown, of the result."""
    told: list[str] = []

    @workflows.step
    def log_in(user: str, password: str) -> dict[str, str]:
        told.append(password)
        return {"user": user, "token": f"{password}-token"}

    @workflows.step(retries=1, backoff=0.5)
    def fail(what: str) -> None:
        told.append(what)
        message = f"{what} is refused"
        raise ValueError(message)

    def body(user: str, password: str) -> Any:
        session = log_in(user, password)
        workflows.set_value("session", session)
        try:
            fail(password)
        except ValueError as error:
            refused = str(error)
        event = workflows.wait_for_event("sealed", timeout=20)
        told.extend([session["token"], refused, event["api_key"]])
        if event["fails"]:
            raise RuntimeError(refused)
        return session

    stored: list[str] = []
    with defined(sealing=body) as (sealing,):
        handles = [workflows.start(sealing, "bob", SECRET) for _ in range(2)]
        ids = [one.id for one in handles]
        # The second try of the step is waited for: its error stands in the wait.
        drive(*ids, until=lambda: Wait.objects.filter(run_id__in=ids, kind="backoff").count() == 2)
        stored += all_texts(ids)
        drive(*ids, until=lambda: Wait.objects.filter(run_id__in=ids, kind="event").count() == 2)
        for fails in (True, False):
            workflows.send_event("sealed", {"api_key": f"{SECRET}-key", "fails": fails})
        drive(*ids)
    stored += all_texts(ids)
    runs = Run.objects.filter(id__in=ids)
    (good,) = runs.filter(state="SUCCESS").values_list("id", flat=True)
    failed = runs.get(state="FAILURE")
    return {
        "found": [text for text in stored if SECRET in text],
        "told": sorted(set(told)),
        "result": workflows.Handle(good).result(timeout=0),
        "shown": workflows.Handle(good).query("session"),
        "error": failed.error,
        "sealed": sum("sealed" in text for text in stored),
    }


def all_texts(ids: list[str]) -> list[str]:
    """Whatever the tables have of these runs."""
    rows = [
        *Run.objects.filter(id__in=ids).values(),
        *Step.objects.filter(run_id__in=ids).values(),
        *Wait.objects.filter(run_id__in=ids).values(),
        *Event.objects.filter(key="sealed").values(),
    ]
    return [str(value) for row in rows for value in row.values()]


def lose_the_key() -> dict[str, Any]:
    """The key of SECRET_KEY is another one when a run goes on."""

    def body(password: str) -> int:
        workflows.sleep(1.0)
        return len(password)

    with defined(losing=body) as (losing,):
        handle = workflows.start(losing, SECRET)
        park(handle)
        with override_settings(SECRET_KEY="another one"):
            drive(handle.id)
            blocked = run_of(handle)
            recovery.sweep()
            still = run_of(handle).state
        workflows.resume(handle.id)
        drive(handle.id)
    return {
        "state": blocked.state,
        "error": blocked.error,
        "still": still,
        "result": handle.result(timeout=0),
        "args": json.loads(blocked.args)[0][0]["__type__"],
    }
