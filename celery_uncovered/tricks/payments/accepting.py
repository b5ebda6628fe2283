"""Accepting a payment: its row and its frozen job commit together, or not at all."""

import re
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.payments.errors import BadPaymentError, TokenUsedError
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.money import parse_amount, parse_currency
from celery_uncovered.tricks.payments.moves import grace_period

CHARGE = "celery_uncovered.tricks.payments.tasks.charge_payment"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_LONGEST_REFERENCE = 100


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants to pay, judged; ``amount`` counts smallest units."""

    token: str
    amount: int
    currency: str
    reference: str


def judge(*, token: object, amount: object, currency: object, reference: object) -> Wanted:
    """Raises BadPaymentError in one sentence."""
    known = parse_currency(currency)
    return Wanted(
        token=_parse_token(token),
        amount=parse_amount(amount, known),
        currency=known,
        reference=_parse_reference(reference),
    )


def accept(wanted: Wanted, *, payer_id: int | None, session: str) -> Payment:
    """The payment of that form, made now unless the form was sent before.

    Its job is frozen: the id is made first, stored with the payment, and the job is submitted under
    it in the same transaction. Whoever comes second with a form, at the same moment too, gets the
    first one's payment, and no other is made. Raises TokenUsedError where the form has other values
    than then.
    """
    now = timezone.now()
    frozen = jobs.new_id()
    token = _scoped(wanted.token, payer_id)
    with transaction.atomic():
        # A second one waits here until the first has committed, and then inserts nothing.
        Payment.objects.bulk_create(
            [
                Payment(
                    task_id=frozen,
                    form_token=token,
                    amount=wanted.amount,
                    currency=wanted.currency,
                    reference=wanted.reference,
                    payer_id=payer_id,
                    payer_session="" if payer_id is not None else session,
                    accepted_at=now,
                    check_at=now + grace_period(),
                )
            ],
            ignore_conflicts=True,
        )
        payment = Payment.objects.get(form_token=token)
        if payment.task_id == frozen:
            jobs.submit(CHARGE, args=[payment.pk], task_id=frozen)
        else:
            _take_over(payment, wanted, session)
    return payment


def _take_over(payment: Payment, wanted: Wanted, session: str) -> None:
    """The form came before; its browser may not have got the answer, nor the session that was in it."""
    given = (wanted.amount, wanted.currency, wanted.reference)
    if given != (payment.amount, payment.currency, payment.reference):
        raise TokenUsedError(payment.amount_in_words)
    if payment.payer_id is None and payment.payer_session != session:
        Payment.objects.filter(pk=payment.pk, payer=None).update(payer_session=session)


def _scoped(token: str, payer_id: int | None) -> str:
    """So that a user's forms are the user's own, whatever tokens others send."""
    return f"{'' if payer_id is None else payer_id}:{token}"


def _parse_token(text: object) -> str:
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        message = (
            "The token is missing or is none: 16 to 64 letters, digits, - and _; "
            "the same one twice is the same payment."
        )
        raise BadPaymentError(message)
    return text


def _parse_reference(text: object) -> str:
    line = " ".join(text.split()) if isinstance(text, str) else ""
    if not 0 < len(line) <= _LONGEST_REFERENCE or not line.isprintable():
        message = f"A payment needs a reference of 1 to {_LONGEST_REFERENCE} printable characters."
        raise BadPaymentError(message)
    return line
