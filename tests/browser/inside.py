"""What the browser tests call in a process of the installation."""

import io
from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from celery_uncovered.advex.reminders.web.sending import next_number, send_recorded
from celery_uncovered.error_mails.models import Kind, Mail, Part
from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import set_aside as set_aside_module
from celery_uncovered.jobs.current import RunningAttempt
from celery_uncovered.jobs.messages import encode
from celery_uncovered.jobs.models import Job, Occurrence, SetAside
from celery_uncovered.jobs.task_log import store
from celery_uncovered.jobs.task_log.pending import AttemptLog, Bounds
from celery_uncovered.toyex.models import Report
from celery_uncovered.tricks.payments.models import Payment
from tests.unit.jobs.web.help import OPEN_TASK, give_file, make_job


def sign_in_link(site: str) -> str:
    """What ``manage.py sign_in_link`` prints."""
    printed = io.StringIO()
    call_command("sign_in_link", "--base-url", site, stdout=printed)
    return printed.getvalue().strip()


def session_of(name: str, *, is_operator: bool) -> str:
    """The session key of a browser in which this person has signed in."""
    user, _ = get_user_model().objects.get_or_create(
        username=name, defaults={"is_superuser": is_operator}
    )
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value


def add_person(name: str, password: str) -> None:
    get_user_model().objects.create_user(name, password=password)


def add_job(task_id: str, *, state: str, age: float = 5, **fields: Any) -> None:
    """A job that stays as it is: no worker and no dispatcher takes it up.

    Any browser on loopback may read it, unless another ``task`` is given.
    """
    began = timezone.now() - timedelta(seconds=age)
    moments: dict[str, Any] = {"published_at": began}
    if state in {"STARTED", "SUCCESS", "FAILURE"}:
        moments["started_at"] = began
    if state in {"SUCCESS", "FAILURE", "REVOKED"}:
        moments["finished_at"] = began + timedelta(seconds=1)
    if state in {"SCHEDULED", "RETRY"}:
        moments["due_at"] = timezone.now() + timedelta(hours=1)
    make_job(task_id, age=age, **{"task": OPEN_TASK, "state": state} | moments | fields)


def add_jobs(count: int, prefix: str, **fields: Any) -> None:
    """The first one is the newest."""
    for number in range(1, count + 1):
        add_job(f"{prefix}-{number:03}", age=5 + number, **fields)


def add_failed_job(task_id: str, **fields: Any) -> None:
    """One that can be retried; nobody runs it then: its queue has no worker."""
    message = {"exchange": "", "routing_key": "nowhere", "headers": {}, "properties": {}}
    own: dict[str, Any] = {
        "task": "tests.tasks.paint_the_very_long_fence_task",
        "queue": "nowhere",
        "attempt": 3,
        "message": encode(message),
        "error": "The paint is used up, and the shop is closed until tomorrow at half past nine.",
        "error_type": "OutOfPaintError",
        "traceback": "Traceback (most recent call last):\n  OutOfPaintError",
    }
    add_job(task_id, state="FAILURE", **own | fields)


def set_aside(reason: str, **fields: Any) -> int:
    """A message with bytes of every kind."""
    headers = {"task": "tests.tasks.paint_task", "id": "page-failed-1", "lang": "py"}
    number = set_aside_module.keep(
        set_aside_module.Unreadable(
            queue="default",
            reason=reason,
            body=b'{"args": [1, 2' + bytes(range(256)) + b"x" * 300,
            content_type="application/json",
            content_encoding="utf-8",
            headers=headers,
            properties={"correlation_id": "page-failed-1"},
        )
    )
    SetAside.objects.filter(pk=number).update(**fields)
    return number


def add_error() -> dict[str, str]:
    """An error that came often, and the mail that told of it; their numbers."""
    now = timezone.now()
    span = {"first_at": now - timedelta(minutes=3), "last_at": now}
    words = "OutOfPaintError: The paint is used up (Internal Server Error: /paint/)"
    path = "a/very/long/path/" * 8
    traceback = f'Traceback (most recent call last):\n  File "{path}views.py", line 7, in paint'
    kind = Kind.objects.create(
        fingerprint="paint",
        source="django.request",
        level="ERROR",
        sentence=words,
        place=f"{path}views.py:7 in paint",
        traceback=traceback,
        context="POST /paint/\nUser-Agent: Browser",
        job_id="page-failed-1",
        count=12_345,
        waiting=45,
        mails=1,
        **span,
    )
    mail = Mail.objects.create(
        message_id="<paint@example.org>",
        round=0,
        subject=words,
        body=f"12,300 times.\n\n{traceback}",
        short_body="",
        sent_at=now,
    )
    Part.objects.create(mail=mail, kind=kind, count=12_300, **span)
    return {"error": str(kind.pk), "error_mail": str(mail.pk)}


def state_of(task_id: str) -> str:
    return str(Job.objects.values_list("state", flat=True).get(id=task_id))


def is_discarded(task_id: str) -> bool:
    return Job.objects.filter(id=task_id, discarded_at__isnull=False).exists()


def change_job(task_id: str, **fields: Any) -> None:
    Job.objects.filter(id=task_id).update(**fields)


def say(task_id: str, *lines: str, attempt: int = 1) -> None:
    """What an attempt of the job says, as its worker stores it."""
    said = RunningAttempt(
        task_id=task_id, number=attempt, task="any", started_at=timezone.now(), node="", pid=0
    )
    log = AttemptLog(said, Bounds.of(256 * 1024))
    log.base = None
    log.add(lines)
    store.write([(log, log.take())])


def end_job(task_id: str) -> None:
    """With a file."""
    give_file(task_id)
    change_job(task_id, state="SUCCESS", finished_at=timezone.now())


def add_payment(status: str) -> str:
    """One that nobody charges, and whose job is gone."""
    now = timezone.now()
    payment = Payment.objects.create(
        task_id=jobs.new_id(),
        form_token=f"gallery:{status}",
        amount=1250,
        currency="EUR",
        reference="The order with a reference as long as somebody may happen to write it",
        status=status,
        charge_id="" if status == "ACCEPTED" else "ch_0198c0ffee",
        reason="The payer's bank declined." if status == "DECLINED" else "",
        ended_at=None if status == "ACCEPTED" else now,
        check_at=now,
    )
    return str(payment.task_id)


def add_schedule(name: str, crontab: str, zone: str, **fields: Any) -> int:
    minute, hour, day, month, weekday = crontab.split()
    row = CrontabSchedule.objects.create(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        timezone=zone,
    )
    return int(PeriodicTask.objects.create(name=name, task=OPEN_TASK, crontab=row, **fields).pk)


def add_outcomes(schedule_id: int) -> None:
    """Twenty of every kind, one an hour; some of their jobs have failed, and one is gone."""
    states = ["SUCCESS"] * 12 + ["FAILURE", "REVOKED", "SUCCESS", "RETRY"]
    others = ["SKIPPED", "MERGED", "REFUSED", "SUBMITTED"]
    kinds = [("SUBMITTED", state) for state in states] + [(outcome, "") for outcome in others]
    for number, (outcome, state) in enumerate(kinds):
        due = timezone.now().replace(minute=0) - timedelta(hours=len(kinds) - number)
        task_id = f"outcome-{schedule_id}-{number}" if state else ""
        if state:
            add_job(task_id, state=state, age=60)
            took = timedelta(seconds=1 + number * 7 % 60)
            Job.objects.filter(id=task_id, finished_at__isnull=False).update(
                finished_at=timezone.now() + took, started_at=timezone.now()
            )
        note = "" if state else 'Queue "fast" is not configured; choose one of: default, io.'
        Occurrence.objects.create(
            schedule_id=schedule_id,
            due_at=due,
            outcome=outcome,
            task_id=task_id or ("gone" if outcome == "SUBMITTED" else ""),
            note=note,
        )


def add_report(task_id: str) -> None:
    """Say what the job makes."""
    Report.objects.create(
        task_id=task_id, period="week", group_by="topic", ref_date=date(2026, 5, 4), source="any"
    )


def open_pull_request() -> int:
    """The number of one that is reminded of."""
    number = next_number()
    send_recorded("opened", number)
    return number


def close_unknown_pull_request() -> int:
    number = next_number()
    send_recorded("closed", number)
    return number
