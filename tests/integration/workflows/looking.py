"""What the tests of pages' queries do in the process of a database's stack."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.looking import runs as looking
from celery_uncovered.workflows.models import Run
from tests.integration.workflows.cases import act, defined
from tests.integration.workflows.driver import drive, is_waiting

MANY = 20_000


def tell_of_a_run() -> dict[str, Any]:
    """All that a page asks of a run that the engine has brought to wait."""

    def inner() -> Any:
        return workflows.wait_for_event("looking")

    def body() -> Any:
        workflows.set_value("stage", {"password": "any"})
        workflows.gather(lambda: act("left"), lambda: act("right"))
        workflows.sleep(0.01)
        workflows.patched("change")
        act("x" * 10_000)
        return workflows.start(known["inner"]).result()

    with defined(inner=inner, outer=body) as (child, parent):
        known = {"inner": child}
        handle = workflows.start(parent)
        drive(
            handle.id,
            until=lambda: (
                bool(Run.objects.filter(parent_id=handle.id, state="WAITING"))
                and is_waiting(handle.id)
            ),
        )
        run = workflows.run_info(handle.id)
        story = workflows.run_story(run)
        first = workflows.run_story(run, before=2)
        told = {
            "standing": workflows.run_standing(run).cause,
            "entries": [[one.number, one.name, one.look, one.branch] for one in story.entries],
            "first": [one.name for one in first.entries],
            "lengths": max(len(one.value) for one in story.entries),
            "values": workflows.shown_values(run.id),
            "patches": workflows.run_payload(run.id).patches,
            "children": [one.state for one in workflows.children_of(run.id)],
            "waits": [
                one.run.workflow == child.name for one in workflows.open_waits(run.id) if one.run
            ],
        }
        workflows.cancel(handle.id)
    return told


def plans_of_lists() -> dict[str, str]:
    """How the database finds a page of each kind of list among many runs."""
    now = timezone.now()
    Run.objects.bulk_create(
        [
            Run(
                id=f"plan-{number:06}",
                workflow=f"plan.{number % 500}",
                queue="nowhere",
                state="SUCCESS" if number % 500 else "CANCELLED",
                args="[[], {}]",
                created_at=now - timedelta(seconds=number),
                finished_at=now,
            )
            for number in range(MANY)
        ],
        batch_size=2000,
    )
    if connection.vendor == "postgresql":  # which does so by itself, sooner or later
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workflows_run")
    since = now - timedelta(days=1)
    filters = {
        "all": workflows.RunFilter(since=since),
        "state": workflows.RunFilter(since=since, state="CANCELLED"),
        "workflow": workflows.RunFilter(since=since, workflow="plan.3"),
        "state at any time": workflows.RunFilter(state="BLOCKED"),
    }
    found = {name: plan_of(wanted, "") for name, wanted in filters.items()}
    page = workflows.list_runs(filters["all"], limit=MANY // 2)
    found["older"] = plan_of(filters["all"], page.older)
    return found


def plan_of(wanted: workflows.RunFilter, after: str) -> str:
    plans: list[str] = []

    def explain(rows: QuerySet[Run]) -> list[Any]:
        plans.append(rows.defer(*looking._HEAVY).explain())
        return []

    with patch.object(looking, "_infos", explain):
        workflows.list_runs(wanted, after=after)
    return plans[0]
