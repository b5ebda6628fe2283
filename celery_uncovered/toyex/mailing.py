"""The mails of the report: the report itself, and the question before the first one."""

import smtplib
from email.encoders import encode_base64
from email.mime.base import MIMEBase

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.building import file_name
from celery_uncovered.toyex.models import Report, Subscription

REPORT_TEXT = """\
Here are the {repositories} most-starred GitHub repositories created in the {period} before
{ref_date}, by {group_by}{mark}. The source is {source}.

You get this because you subscribed. To get no more of it: {leave_url}
"""
CONFIRMATION_TEXT = """\
Somebody, most likely you, asked for the report of the hottest GitHub repositories of each {period}
to be sent to this address.

To get it, confirm here: {confirm_url}

Otherwise do nothing; you will get no report.
"""


class MailRefusedError(OSError):
    """The mail server did not take a mail; ``code`` is its answer's, 0 where it gave none.

    What the server said itself is left out: it names the address.
    """

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"The mail server refused the mail{f' ({self.code})' if self.code else ''}."


def mail_report(report_task_id: str, subscription_id: int) -> str:
    """Send the report's CSV to one subscriber; one who has left meanwhile gets nothing.

    Returns what happened as one sentence. Raises OSError, such as MailRefusedError, when it was not
    sent; no error names the address.
    """
    subscription = Subscription.objects.filter(pk=subscription_id).first()
    if subscription is None:
        return "The subscriber has left."
    report = Report.objects.get(task_id=report_task_id)
    artifact = jobs.find_artifact(report_task_id, file_name(report))
    if artifact is None:
        return "The report's file is no longer kept."
    message = EmailMessage(
        subject=f"Hot repositories: {report.period} to {report.ref_date}",
        body=REPORT_TEXT.format(
            repositories=report.repositories,
            period=report.period,
            ref_date=report.ref_date,
            group_by=report.group_by,
            source=report.source,
            mark="" if report.is_complete else " (incomplete)",
            leave_url=_address("toyex:leave", subscription.token),
        ),
        to=[subscription.email],
        headers={"List-Unsubscribe": f"<{_address('toyex:leave', subscription.token)}>"},
    )
    with artifact.file.open("rb") as file:
        message.attach(_csv_part(artifact.name, file.read()))
    _send(message)
    return "The report was sent."


def mail_confirmation(subscription_id: int) -> str:
    """Send the question; returns what happened as one sentence. Raises OSError as above."""
    subscription = Subscription.objects.filter(pk=subscription_id).first()
    if subscription is None or subscription.confirmed_at is not None:
        return "There is nothing to confirm."
    message = EmailMessage(
        subject="Confirm your subscription to hot repositories",
        body=CONFIRMATION_TEXT.format(
            period=subscription.period,
            confirm_url=_address("toyex:confirm", subscription.token),
        ),
        to=[subscription.email],
    )
    _send(message)
    return "The question was sent."


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except smtplib.SMTPException as error:
        raise MailRefusedError(_code_of(error)) from None


def _code_of(error: smtplib.SMTPException) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0


def _csv_part(name: str, content: bytes) -> MIMEBase:
    """The file in base64: sent as text, it would arrive with other newlines, also within cells."""
    part = MIMEBase("text", "csv", charset="utf-8")
    part.set_payload(content)
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part


def _address(url_name: str, token: str) -> str:
    return f"{settings.SITE_URL}{reverse(url_name, args=[token])}"
