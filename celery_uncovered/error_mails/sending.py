"""One round of mails, over one connection to the mail server, each marked as soon as it is taken.

A crash between the two sends a mail again, with its own Message-ID; none is lost.
"""

import smtplib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from celery_uncovered.error_mails import digest, rounds
from celery_uncovered.error_mails.models import Mail


class MailNotSentError(OSError):
    """The mail server did not answer, or did not take a mail; ``reason`` names no address."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"The mail server takes no mail: {self.reason}."


def send_round(number: int) -> int:
    """Send the mails of a round and close it; how many. Raises MailNotSentError.

    A round that is over, or that has nothing to say, opens no connection.
    """
    recipients = rounds.addresses()
    sent = 0
    if recipients and rounds.is_anything_waiting():
        with _connection() as connection:
            while (mail := digest.next_mail(number)) is not None:
                _send(mail, recipients, connection)
                sent += 1
    rounds.close(number)
    rounds.announce()
    return sent


@contextmanager
def _connection() -> Iterator[Any]:
    """Opened before any mail is made: while the server is away, what comes is still counted by kind."""
    connection = get_connection(fail_silently=False)
    with closing(connection):
        try:
            connection.open()
        except OSError as error:
            raise MailNotSentError(_reason(error)) from None
        yield connection


def _send(mail: Mail, recipients: list[str], connection: Any) -> None:
    message = EmailMessage(
        subject=f"{settings.EMAIL_SUBJECT_PREFIX}{mail.subject}",
        body=mail.body,
        from_email=settings.SERVER_EMAIL,
        to=recipients,
        headers={"Message-ID": mail.message_id},
        connection=connection,
    )
    try:
        message.send()
    except OSError as error:
        digest.note_refused(mail, _reason(error))
        raise MailNotSentError(_reason(error)) from None
    digest.note_sent(mail)


def _reason(error: OSError) -> str:
    """Its class, and the number that the server said: the words may name an address."""
    code = getattr(error, "smtp_code", "")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((code for code, _ in error.recipients.values()), default="")
    return f"{type(error).__name__} {code}".strip()
