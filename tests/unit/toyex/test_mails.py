"""Nobody learns from a mail's job who gets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from unittest.mock import patch

import pytest
from celery import current_app
from celery._state import _task_stack  # type: ignore[attr-defined]  # what the tracer pushes to
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.submit import import_tasks
from celery_uncovered.toyex import mailing, subscriptions
from celery_uncovered.toyex.models import Report, Subscription
from celery_uncovered.toyex.reports import BUILD
from tests.unit.jobs.running import run_job
from tests.unit.jobs.web.help import client_of, make_job, user_reader

pytestmark = pytest.mark.django_db

ADDRESS = "ada@example.org"
SAID = f"no {ADDRESS} here".encode()
FAULTS = [
    (SMTPRecipientsRefused({ADDRESS: (550, SAID)}), "The mail server refused the mail (550)."),
    (SMTPSenderRefused(552, SAID, ADDRESS), "The mail server refused the mail (552)."),
    (SMTPDataError(554, SAID), "The mail server refused the mail (554)."),
    (SMTPServerDisconnected(f"{ADDRESS}: closed"), "The mail server refused the mail."),
]


@contextmanager
def running(task: str, task_id: str) -> Iterator[None]:
    """As if this process ran that job."""
    import_tasks()
    found = current_app.tasks[task]
    found.push_request(id=task_id, root_id=task_id, called_directly=False)
    _task_stack.push(found)
    try:
        yield
    finally:
        _task_stack.pop()
        found.pop_request()


def subscription(**fields: object) -> Subscription:
    return Subscription.objects.create(email=ADDRESS, period="week", **fields)


def test_who_reads_a_report_does_not_read_its_mails(settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    make_job("report", task=BUILD)
    report = Report.objects.create(task_id="report", period="week", ref_date=date(2026, 5, 4))
    subscription(confirmed_at=timezone.now())
    with running(BUILD, "report"):
        assert subscriptions.submit_mails(report) == 1
        subscriptions.subscribe("bob@example.org", "week")
    mails = Job.objects.exclude(id="report")
    assert len(mails) == 2
    reader, loopback = user_reader("report"), client_of(address="127.0.0.1")
    for mail in mails:
        assert mail.root_id == mail.id
        for visitor in (reader, loopback):
            assert visitor.get("/jobs/report/").status_code == 200
            assert visitor.get(f"/jobs/{mail.id}/status/").status_code == 404
            assert mail.id not in visitor.get("/jobs/?parts=1").content.decode()
            assert mail.id not in visitor.get("/jobs/report/").content.decode()


@pytest.mark.parametrize(("fault", "sentence"), FAULTS, ids=lambda value: type(value).__name__)
def test_a_refused_mail_is_tried_again_and_its_address_is_nowhere(
    fault: SMTPException, sentence: str
) -> None:
    subscriptions.subscribe(ADDRESS, "week")
    job = Job.objects.get()
    with patch.object(EmailBackend, "send_messages", side_effect=fault):
        run_job(job.id)
    job.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (job.state, attempt.error) == ("RETRY", sentence)
    shown = f"{job.body} {job.error} {job.traceback} {attempt.error} {attempt.traceback}"
    assert "ada" not in shown


def test_a_refused_mail_is_an_os_error() -> None:
    row = subscription()
    with (
        patch.object(EmailBackend, "send_messages", side_effect=FAULTS[0][0]),
        pytest.raises(OSError, match=r"refused the mail \(550\)") as error,
    ):
        mailing.mail_confirmation(row.pk)
    assert error.value.__suppress_context__
