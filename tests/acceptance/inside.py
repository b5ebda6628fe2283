"""What the acceptance tests call in a process of the installation."""

import base64
from dataclasses import asdict
from typing import Any

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job
from celery_uncovered.toyex import reports, subscriptions
from celery_uncovered.toyex.models import Report, Subscription
from celery_uncovered.tricks.payments.accepting import CHARGE
from celery_uncovered.tricks.payments.registering import FORGOTTEN, HANGING


def status(task_id: str) -> dict[str, Any]:
    found = jobs.job_status(task_id)
    return asdict(found) | {"state": str(found.state), "is_final": found.is_final}


def file(task_id: str, name: str) -> str:
    """In base64."""
    artifact = jobs.find_artifact(task_id, name)
    assert artifact
    with artifact.file.open("rb") as opened:
        return base64.b64encode(opened.read()).decode()


def report_row(task_id: str) -> dict[str, Any]:
    return dict(Report.objects.values().get(task_id=task_id))


def subscribe(email: str, period: str, *, confirms: bool) -> str:
    """The token of a subscription whose owner has answered the question, or not yet."""
    subscriptions.subscribe(email, period)
    subscription = Subscription.objects.get(email=email, period=period)
    if confirms:
        subscriptions.confirm(subscription.token)
    return subscription.token


def mail_again(task_id: str) -> int:
    """Submit the mails of a report as each build of it does; how many it wanted to."""
    report = reports.report_of(task_id)
    assert report
    return subscriptions.submit_mails(report)


def submit_by_schedule(task_id: str, period: str) -> None:
    """What a schedule submits, under an id that the test knows beforehand."""
    jobs.submit(reports.PRODUCE, kwargs={"period": period, "mail": True}, task_id=task_id)


def forget_jobs_of_payments() -> int:
    """Lose the jobs of all open payments, as nothing of ours does; how many."""
    return int(Job.objects.filter(task=CHARGE).exclude(state__in=jobs.FINAL).delete()[0])


def look_after_payments_each_second() -> None:
    second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    for row in PeriodicTask.objects.filter(task__in=[FORGOTTEN, HANGING]):
        row.interval = second
        row.save()
