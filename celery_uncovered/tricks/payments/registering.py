"""What the pages show of the payments."""

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.payments.checks import register_checks

FORGOTTEN = "celery_uncovered.tricks.payments.tasks.submit_forgotten_payments"
HANGING = "celery_uncovered.tricks.payments.tasks.settle_hanging_payments"


def register() -> None:
    register_checks()
    jobs.register_example(
        jobs.Example(
            label="Frozen payments",
            summary="Thank you at once, charged once: whoever presses twice, whatever dies meanwhile.",
            url_name="tricks:payments",
            run_url_name="tricks:payments",
            fields={"amount": "12.50", "currency": "EUR", "reference": "Order 1042"},
            token_field="token",  # noqa: S106  # a field's name
            order=40,
        )
    )
    jobs.register_schedulable(
        jobs.SchedulableTask(task=FORGOTTEN, label="Submit payments that were forgotten")
    )
    jobs.register_schedulable(jobs.SchedulableTask(task=HANGING, label="Settle payments that hang"))
