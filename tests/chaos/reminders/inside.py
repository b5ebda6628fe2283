"""What a run calls in a process of the project."""

import json
from typing import Any

from celery_uncovered.advex.reminders.models import Delivery, PullRequest
from celery_uncovered.jobs.models import Attempt
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.models import Run, Step, Wait


def unrest() -> dict[str, int]:
    """Runs that move or should, by why; what waits for the next day or for a close is at rest."""
    parked = Wait.objects.filter(run__state="WAITING")
    counts = {
        "moving": Run.objects.filter(state__in=["READY", "RUNNING"]).count(),
        "trying again": parked.filter(kind="backoff").count(),
        "due": parked.filter(due_at__lte=clock.now()).count(),
        "told": parked.filter(fired=True).count(),
        "open without a run that waits": PullRequest.objects.filter(is_open=True)
        .exclude(run_id__in=Run.objects.filter(state="WAITING").values("id"))
        .count(),
        "closed with a run that waits": PullRequest.objects.filter(is_open=False)
        .filter(run_id__in=Run.objects.filter(state="WAITING").values("id"))
        .count(),
    }
    return {name: count for name, count in counts.items() if count}


def runs() -> list[dict[str, Any]]:
    """Each with its key, state, and the channel that it made."""
    channels = dict(
        Step.objects.filter(kind="step", label="create_channel#1").values_list("run_id", "value")
    )
    return [
        {
            "id": run.id,
            "key": run.key,
            "state": run.state,
            "error": run.error,
            "channel": json.loads(channels.get(run.id, "null")),
        }
        for run in Run.objects.order_by("created_at")
    ]


def counts() -> dict[str, int]:
    return {
        "deliveries": Delivery.objects.count(),
        "attempts_lost": Attempt.objects.filter(outcome="LOST").count(),
        "steps": Step.objects.filter(kind="step").count(),
        "steps_tried_again": Step.objects.filter(kind="step", attempts__gt=1).count(),
        "runs_taken_over": Run.objects.filter(crashed_at__gt=0).count(),
    }
