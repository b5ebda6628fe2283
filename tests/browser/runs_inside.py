"""What the browser tests of runs call in a process of the installation."""

import json
from datetime import timedelta
from typing import Any

from celery import current_app
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.models import Run, Step, Wait
from tests.support.app import workflows as examples

NAME = "shop.workflows.remind_of_the_pull_request"
LONG = "https://api.example.org/a/very/long/path/" + "that-goes-on/" * 12


# --- runs of the real engine ---------------------------------------------------------------------------
def start(name: str, *args: Any) -> str:
    return workflows.start(getattr(examples, name), *args).id


def send(key: str, payload: Any = None) -> None:
    workflows.send_event(key, payload)


def cancel(run_id: str) -> None:
    workflows.cancel(run_id)


def control(act: str, queue: str) -> None:
    """``celery control``."""
    getattr(current_app.control, act)(queue)


def pause(queue: str) -> None:
    jobs.pause_queue(queue, by="ada", reason="the printer burns")


def resume(queue: str) -> None:
    jobs.resume_queue(queue)


def queues_taken_from() -> list[str]:
    return [queue for worker in jobs.live_workers() for queue in worker.queues or ()]


def state_of(run_id: str) -> str:
    return workflows.Handle[Any](run_id).state.value


def child_of(run_id: str) -> str:
    """Its id, once it waits; else an empty text."""
    return (
        Run.objects.filter(parent_id=run_id, state="WAITING").values_list("id", flat=True).first()
        or ""
    )


def since(run_id: str) -> list[str]:
    """When its state, and when its wait began, if it has one."""
    moments = list(Wait.objects.filter(run_id=run_id).values_list("created_at", flat=True))
    moments.append(Run.objects.get(id=run_id).since)
    return [moment.isoformat(timespec="seconds") for moment in moments]


def result_of(run_id: str) -> Any:
    return workflows.Handle[Any](run_id).result(timeout=0)


# --- rows for the gallery: no worker and no dispatcher takes them up ------------------------------------
def add_runs() -> dict[str, str]:
    """Runs in each state that stays; the ids of one that waits, and one that is blocked."""
    _add("page-waits", "WAITING", key="pr-4711", parent_id="page-done", started_days=3)
    _add_history("page-waits")
    Wait.objects.create(
        run_id="page-waits",
        label="event closed:celery/celery#4711#1",
        kind="event",
        key="closed:celery/celery#4711",
        created_at=timezone.now() - timedelta(hours=5),
        due_at=timezone.now() + timedelta(hours=19),
    )
    Wait.objects.create(
        run_id="page-waits",
        branch="gather#2.1/",
        label="post#1",
        kind="backoff",
        attempts=2,
        error=f"ConnectionError: no answer from {LONG}",
        due_at=timezone.now() + timedelta(minutes=7),
    )
    _add("page-child", "WAITING", parent_id="page-waits", forked_from="page-done")
    _add("page-done", "SUCCESS", finished_at=timezone.now())
    error = 'The history goes on with step "post#1"; the code goes on with step "create_channel#2".'
    _add("page-blocked", "BLOCKED", error=error, forked_from="page-done", history_from=2)
    Step.objects.create(
        run_id="page-blocked",
        number=2,
        label="post#1",
        kind="step",
        value="1",
        seconds=1,
        ended_at=timezone.now(),
    )
    _add("page-dead", "DEAD", crashes=5, error="Its worker process died 5 times in a row over it.")
    failure: dict[str, Any] = {"error": f"no answer from {LONG}", "error_type": "ConnectionError"}
    _add("page-failed", "FAILURE", finished_at=timezone.now(), traceback=LONG, **failure)
    _add("page-cancelled", "CANCELLED", finished_at=timezone.now())
    return {"run": "page-waits", "blocked": "page-blocked", "failed_run": "page-failed"}


def _add(run_id: str, state: str, *, started_days: float = 0.05, **fields: Any) -> None:
    then = timezone.now() - timedelta(days=started_days)
    Run.objects.create(
        id=run_id,
        workflow=NAME,
        queue="default",
        state=state,
        args=json.dumps([["celery/celery", 4711], {"token": "x" * 40}]),
        result='{"posts": 3}' if state == "SUCCESS" else None,
        created_at=then,
        # Within the list's usual bound, whatever it tells of its start.
        started_at=then,
        since=timezone.now() - timedelta(minutes=4),
        **fields,
    )


def _add_history(run_id: str) -> None:
    """Three days with a bit of everything."""
    hours = 0.0
    error = json.dumps(["builtins", "ConnectionError", f"no answer from {LONG}", None])
    rows: list[tuple[float, str, str, dict[str, Any]]] = [
        (0, "value", "stage#1", {"value": '"opened"'}),
        (0, "step", "create_channel#1", {"value": '{"id": "C1"}', "seconds": 0.4}),
        (0, "patch", "round-corners#1", {"value": "true"}),
        (0.001, "step", "post#1", {"value": '{"ts": "1"}', "seconds": 1.2, "attempts": 3}),
        (24, "event", "event closed:celery/celery#4711#1", {}),
        (24.0005, "step", "post#2", {"seconds": 0.7}),
        (
            24.0008,
            "step",
            "look_up_reviewers#1",
            {"is_error": True, "value": error, "seconds": 0.9},
        ),
        (24.001, "child_id", "start escalate#1", {"value": '"page-child"'}),
        (24.001, "child", "started escalate#1", {"value": '"page-child"'}),
        (48, "time", "sleep#1", {}),
        (48.0003, "step", "check#1", {"branch": "gather#1.0/", "seconds": 0.6}),
        (48.0004, "step", "check#1", {"branch": "gather#1.1/", "seconds": 0.9}),
        (48.0006, "step", "archive#1", {"seconds": 0.2}),
        (48.0007, "step", "archive#2", {"seconds": 0.2}),
        (48.0008, "step", "archive#3", {"seconds": 0.2, "value": f'"{LONG * 40}"'}),
        (48.001, "value", "stage#2", {"value": f'{{"reminders": 2, "link": "{LONG}"}}'}),
    ]
    begin = timezone.now() - timedelta(days=3)
    for number, (hours, kind, label, fields) in enumerate(rows):
        given: dict[str, Any] = {"value": "null", "seconds": 0.0} | fields
        ended = begin + timedelta(hours=hours, seconds=given["seconds"])
        Step.objects.create(
            run_id=run_id, number=number, label=label, kind=kind, ended_at=ended, **given
        )
