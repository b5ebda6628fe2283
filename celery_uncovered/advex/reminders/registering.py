"""What the pages and the dispatcher know of the reminders."""

from django.conf import settings

from celery_uncovered.advex.reminders.checks import register_checks
from celery_uncovered.advex.reminders.tidy import forget_old_deliveries
from celery_uncovered.jobs import api as jobs

HOUR = 3600.0


def register() -> None:
    register_checks()
    jobs.register_chore(jobs.Chore(name="webhooks", act=forget_old_deliveries, seconds=HOUR))
    if settings.REMINDERS_PAGE:
        jobs.register_example(
            jobs.Example(
                label="Pull-request reminders",
                summary="A function that waits for days: a chat channel for each pull request, and a"
                " reminder each day until it is closed.",
                url_name="advex:reminders",
                run_url_name="advex:reminders",
                fields={"webhook": "opened"},
                order=50,
                operators_only=True,
            )
        )
