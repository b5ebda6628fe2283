"""Timers: waits whose time has come, woken many at a time by the dispatcher."""

from django.db import connection, transaction

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import statements, waiting
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.models import Wait

DUE = """
SELECT 1 FROM workflows_wait {wait_due}
WHERE NOT fired AND due_at IS NOT NULL AND due_at <= %s LIMIT 1
"""
#: Waits that one look takes up.
MANY = 2000


def wake_due() -> int:
    """Wake the runs whose waits are due, in one transaction with the jobs that advance them."""
    total = 0
    while True:
        count = _wake_some()
        total += count
        if count < MANY:
            return total


def _wake_some() -> int:
    now = clock.now()
    if not jobs.finds(DUE, now):
        return 0
    due = Wait.objects.filter(fired=False, due_at__lte=now).order_by("due_at")
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        found = list(due.values_list("id", "run_id")[:MANY])
        Wait.objects.filter(id__in=[wait for wait, _ in found]).update(fired=True)
        waiting.advance_later(statements.wake({run_id for _, run_id in found}))
    return len(found)
