"""Workflows for benchmarks: their steps do next to nothing, and note nothing."""

import time
from datetime import UTC, datetime

from django.contrib.auth.models import Group

from celery_uncovered.workflows import api as workflows
from tests.support.app.notes import note, wait_at


@workflows.step
def add(one: int, other: int) -> int:
    return one + other


@workflows.step
def hold(gate: str) -> str:
    note(f"{gate} begins")
    wait_at(gate)
    return gate


@workflows.step
def look_slowly(seconds: float) -> int:
    before = Group.objects.count()
    time.sleep(seconds)
    return Group.objects.count() - before


@workflows.workflow
def add_up(steps: int) -> int:
    total = 0
    for number in range(steps):
        total = add(total, number)
    return total


@workflows.workflow
def add_then_hold(steps: int, gate: str) -> str:
    for number in range(steps):
        add(number, number)
    return hold(gate)


@workflows.workflow
def sleep_then_add(until: float) -> int:
    workflows.sleep_until(datetime.fromtimestamp(until, UTC))
    return add(1, 1)


@workflows.workflow
def look(seconds: float) -> int:
    return look_slowly(seconds)
