"""One payment through a worker's path: charged once, whatever an earlier attempt left behind."""

import json
from collections.abc import Callable

import pytest
from pytest_django import Settings

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job
from celery_uncovered.tricks.payments import accepting, charging, moves
from celery_uncovered.tricks.payments.gateway import Unavailable
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.standin.store import Store
from celery_uncovered.tricks.payments.states import Status
from tests.unit.jobs.running import make_due, run_job, state_of
from tests.unit.tricks.payments.examples import accept, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent", "gateway")]

Spoil = Callable[..., None]


def test_a_payment_is_charged_under_its_frozen_id(store: Store) -> None:
    payment = accept("12.50")
    run_job(payment.task_id)
    [charge] = store.charges()
    assert charge["key"] == payment.task_id
    assert (charge["amount"], charge["currency"]) == (1250, "EUR")
    assert charge["reference"] == payment.reference
    ended = fresh(payment)
    assert (ended.status, ended.charge_id) == (Status.SETTLED, charge["id"])
    assert ended.charging_at
    assert ended.ended_at
    assert ended.charging_at <= ended.ended_at
    assert json.loads(str(Job.objects.get().result)) == {
        "status": "SETTLED", "charge": charge["id"], "reason": "",
    }  # fmt: skip


def test_the_gateway_is_asked_only_after_that_is_noted(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    noted: list[str] = []
    ask = charging.ask

    def asked(payment: Payment) -> object:
        noted.append(fresh(payment).status)
        return ask(payment)

    monkeypatch.setattr(charging, "ask", asked)
    payment = accept()
    run_job(payment.task_id)
    assert noted == ["CHARGING"]


def test_a_declined_payment_says_why_in_one_sentence_and_is_not_tried_again(store: Store) -> None:
    payment = accept("10.13")
    run_job(payment.task_id)
    ended = fresh(payment)
    assert ended.status == Status.DECLINED
    assert ended.reason == "The stand-in declines amounts that end in 13."
    assert state_of(payment.task_id) == "SUCCESS", "it came to its end; nobody has to look"
    assert store.counts()["requests"] == 1
    jobs.submit(accepting.CHARGE, args=[payment.pk], task_id="another")
    run_job("another")
    assert store.counts()["requests"] == 1


@pytest.mark.parametrize("kind", ["500", "timeout", "500-after-charging", "timeout-after-charging"])
def test_a_fault_is_waited_for_in_the_ledger_and_the_retry_asks_under_the_same_key(
    spoil: Spoil, store: Store, settings: Settings, kind: str
) -> None:
    spoil(kind, times=2, seconds=0.7)
    patient = settings.PAYMENTS_READ_TIMEOUT
    settings.PAYMENTS_READ_TIMEOUT = 0.5 if "timeout" in kind else patient
    payment = accept()
    for _ in range(2):
        run_job(payment.task_id)
        assert state_of(payment.task_id) == "RETRY"
        assert fresh(payment).status == Status.CHARGING
        make_due(payment.task_id)
    settings.PAYMENTS_READ_TIMEOUT = patient
    run_job(payment.task_id)
    assert fresh(payment).status == Status.SETTLED
    counts = store.counts()
    assert (counts["requests"], counts["repeated"], counts["charges"]) == (3, 2, 1)
    assert [charge["key"] for charge in store.charges()] == [payment.task_id]


def test_a_gateway_that_never_answers_leaves_a_dead_letter_and_a_payment_that_may_be_charged(
    spoil: Spoil,
) -> None:
    spoil("503")
    payment = accept()
    for _ in range(charging.MOST_RETRIES):
        run_job(payment.task_id)
        make_due(payment.task_id)
    run_job(payment.task_id)
    status = jobs.job_status(payment.task_id)
    assert status.is_dead_letter
    assert status.error == "The payment gateway could not answer for now: it answered 503."
    assert fresh(payment).status == Status.CHARGING


def test_a_refusal_is_not_repeated(spoil: Spoil) -> None:
    spoil("401", times=1)
    payment = accept()
    run_job(payment.task_id)
    status = jobs.job_status(payment.task_id)
    assert status.is_dead_letter
    assert status.error == "The payment gateway refused the request (401 Unknown API key)."


def test_the_waits_grow_and_have_an_end() -> None:
    error = Unavailable("it answered 503")
    waits = [charging.retry_delay(error, retries) for retries in range(10)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, None, None]


def test_a_payment_that_has_ended_is_not_asked_for(store: Store) -> None:
    payment = accept()
    moves.decline_uncharged(payment.pk, "Not wanted.")
    run_job(payment.task_id)
    assert store.counts()["requests"] == 0
    assert fresh(payment).reason == "Not wanted."


def test_a_job_that_was_cancelled_while_it_began_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    payment = accept()
    get = charging.charge

    def cancelled(payment_id: int) -> object:
        jobs.cancel_job(payment.task_id)
        return get(payment_id)

    monkeypatch.setattr(charging, "charge", cancelled)
    run_job(payment.task_id)
    assert state_of(payment.task_id) == "REVOKED"
    assert fresh(payment).status == Status.ACCEPTED
    assert store.counts()["requests"] == 0


def test_a_worker_that_wakes_late_changes_nothing_and_charges_nothing_more(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    """It stopped between noting and asking; another one did all of it meanwhile."""
    payment = accept()
    ask = charging.ask

    def overtaken(late: Payment) -> object:
        monkeypatch.setattr(charging, "ask", ask)
        charging.charge(late.pk)
        return ask(late)

    monkeypatch.setattr(charging, "ask", overtaken)
    charging.charge(payment.pk)
    counts = store.counts()
    assert (counts["requests"], counts["charges"]) == (2, 1)
    assert fresh(payment).charge_id == store.charges()[0]["id"]
