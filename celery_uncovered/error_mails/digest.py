"""Which mail comes next, and what it says: what waits is taken over into it, once."""

from collections.abc import Sequence
from email.utils import make_msgid

from django.core.mail.utils import DNS_NAME
from django.db import transaction
from django.utils import timezone

from celery_uncovered.error_mails import rounds, wording
from celery_uncovered.error_mails.models import Kind, Mail, Part

#: A mail that was refused so often goes without its traceback: a filter may dislike what is in it.
MOST_REFUSALS = 3


def next_mail(number: int) -> Mail | None:
    """The mail to be sent now in this round; None where there is none, or the round is over.

    One that is not sent yet comes first: its words stay, and what came meanwhile waits. Otherwise
    it tells of one kind, and the last mail that the round has room for of all that are left.
    """
    with transaction.atomic():
        if rounds.current_pace(lock=True).number != number:
            return None
        unsent = Mail.objects.filter(sent_at=None).order_by("id").first()
        if unsent is not None:
            unsent.round = number
            unsent.save(update_fields=["round"])
            return unsent
        kinds = _kinds_of_next(number)
        return _take_over(kinds, number) if kinds else None


def note_sent(mail: Mail) -> None:
    mail.sent_at, mail.error = timezone.now(), ""
    mail.save(update_fields=["sent_at", "error"])


def note_refused(mail: Mail, error: str) -> None:
    mail.refusals, mail.error = mail.refusals + 1, error
    if mail.refusals == MOST_REFUSALS:
        mail.body = mail.short_body
    mail.save(update_fields=["refusals", "error", "body"])


def _kinds_of_next(number: int) -> list[Kind]:
    room = rounds.MOST_MAILS - Mail.objects.filter(round=number).count()
    waiting = Kind.objects.filter(waiting__gt=0).exclude(round=number)
    oldest = waiting.order_by("waiting_first_at", "id").values_list("id", flat=True)
    if room <= 0:
        return []
    chosen = list(oldest[:1] if room > 1 else oldest)
    # Locked in the keepers' order: none of them and this one wait for each other.
    locked = Kind.objects.select_for_update().filter(id__in=chosen).order_by("fingerprint")
    return sorted(locked, key=lambda kind: chosen.index(kind.pk))


def _take_over(kinds: Sequence[Kind], number: int) -> Mail:
    mail = Mail.objects.create(
        message_id=make_msgid(domain=str(DNS_NAME)),
        round=number,
        subject=wording.subject(kinds),
        body=wording.body(kinds),
        short_body=wording.short_body(kinds),
    )
    Part.objects.bulk_create(
        Part(
            mail=mail,
            kind=kind,
            count=kind.waiting,
            first_at=kind.waiting_first_at or kind.first_at,
            last_at=kind.waiting_last_at or kind.last_at,
        )
        for kind in kinds
    )
    for kind in kinds:
        kind.waiting, kind.round, kind.mails, kind.is_told = 0, number, kind.mails + 1, True
    Kind.objects.bulk_update(kinds, ["waiting", "round", "mails", "is_told"])
    return mail
