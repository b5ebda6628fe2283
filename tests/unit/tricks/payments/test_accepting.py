"""One form is one payment, and its job is frozen before anything is published."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.tricks.payments import accepting
from celery_uncovered.tricks.payments.errors import BadPaymentError, TokenUsedError
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.states import Status
from tests.unit.jobs.web.help import make_user
from tests.unit.tricks.payments.examples import accept, fresh, token


@pytest.mark.django_db
def test_payment_and_job_are_one_commit_under_one_id(sent: list[Delivery]) -> None:
    payment = accept("12.50")
    job = Job.objects.get()
    assert job.id == payment.task_id
    assert (job.task, job.queue) == (accepting.CHARGE, "io")
    assert json.loads(job.body)[0] == [payment.pk]
    assert (payment.status, payment.amount, payment.currency) == (Status.ACCEPTED, 1250, "EUR")
    assert not sent, "nothing is published before the commit"


@pytest.mark.django_db(transaction=True)
def test_of_a_roll_back_nothing_is_left(sent: list[Delivery]) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        accept().amount /= 0
    assert not Payment.objects.exists()
    assert not Job.objects.exists()
    assert not sent


@pytest.mark.django_db
def test_the_same_form_again_is_the_same_payment() -> None:
    form = token()
    first, second = accept(form=form), accept(form=form)
    assert first.pk == second.pk
    assert first.task_id == second.task_id
    assert (Payment.objects.count(), Job.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_another_form_with_the_same_values_is_another_payment() -> None:
    accept()
    accept()
    assert (Payment.objects.count(), Job.objects.count()) == (2, 2)


@pytest.mark.django_db
def test_the_same_form_with_other_values_is_refused_and_pays_nothing() -> None:
    form = token()
    accept("12.50", form=form)
    with pytest.raises(TokenUsedError) as refused:
        accept("99.00", form=form)
    assert str(refused.value) == (
        "This form has been used for a payment of 12.50 EUR; press Pay again to make another one."
    )
    assert Payment.objects.get().amount == 1250


@pytest.mark.django_db
def test_a_user_does_not_get_at_anothers_payment_by_its_token() -> None:
    form, ada, bob = token(), make_user("ada"), make_user("bob")
    mine = accept(form=form, payer_id=ada.pk)
    other = accept(form=form, payer_id=bob.pk)
    assert mine.pk != other.pk
    assert fresh(mine).payer_id == ada.pk


@pytest.mark.django_db
def test_a_browser_that_never_got_its_session_gets_the_payment_with_the_form_again() -> None:
    form = token()
    accept(form=form, session="lost" * 10)
    payment = accept(form=form, session="kept" * 10)
    assert fresh(payment).payer_session == "kept" * 10


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"token": ""},
        {"token": None},
        {"token": "short"},
        {"token": "x" * 65},
        {"token": "sixteen letters."},
        {"currency": "XXX"},
        {"currency": None},
        {"amount": "much"},
        {"reference": ""},
        {"reference": "  \n "},
        {"reference": "x" * 101},
        {"reference": "bell\a"},
        {"reference": "surrogate \ud800"},
        {"reference": ["list"]},
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(change: dict[str, object]) -> None:
    given: dict[str, object] = {
        "token": token(),
        "amount": "12.50",
        "currency": "EUR",
        "reference": "Order 1",
    }
    with pytest.raises(BadPaymentError) as refused:
        accepting.judge(**{**given, **change})
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    ["UPDATE tricks_payment SET amount = 0", "UPDATE tricks_payment SET status = 'SETTLED'"],
)
def test_the_database_itself_refuses_a_payment_of_nothing_and_a_settlement_without_a_charge(
    change: str,
) -> None:
    accept()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
