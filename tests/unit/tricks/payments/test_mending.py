"""The two periodic tasks: what they find, what they leave alone, and that both may run again and again."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.submit import registered
from celery_uncovered.tricks.payments import charging, mending, moves
from celery_uncovered.tricks.payments.models import Payment
from celery_uncovered.tricks.payments.registering import FORGOTTEN, HANGING
from celery_uncovered.tricks.payments.standin.store import Store
from celery_uncovered.tricks.payments.states import Status
from tests.servers.ports import reserve_port
from tests.unit.jobs.running import queued, run_job, state_of
from tests.unit.tricks.payments.examples import accept, change, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent", "gateway")]

Spoil = Callable[..., None]


def overdue(payment: Payment) -> Payment:
    """One that somebody should look after now."""
    change(payment, check_at=timezone.now() - timedelta(seconds=1))
    return fresh(payment)


def without_job(status: Status = Status.ACCEPTED) -> Payment:
    payment = accept()
    Job.objects.all().delete()
    change(payment, status=status)
    return overdue(payment)


def run_all_jobs() -> None:
    for task_id in list(queued().values_list("id", flat=True)):
        run_job(task_id)


# --- forgotten ------------------------------------------------------------------------------------
def test_a_payment_without_a_job_gets_one_under_its_frozen_id(store: Store) -> None:
    payment = without_job()
    assert mending.submit_forgotten() == {"submitted": 1}
    assert Job.objects.get().id == payment.task_id
    run_all_jobs()
    assert fresh(payment).status == Status.SETTLED
    assert [charge["key"] for charge in store.charges()] == [payment.task_id]


def test_a_payment_whose_job_lives_is_left_to_it() -> None:
    overdue(accept())
    assert mending.submit_forgotten() == {"under way": 1}
    assert Job.objects.count() == 1


def test_a_payment_that_is_young_is_left_alone() -> None:
    payment = accept()
    Job.objects.all().delete()
    assert mending.submit_forgotten() == {}
    change(payment, check_at=timezone.now())
    assert mending.submit_forgotten() == {"submitted": 1}


def test_a_payment_whose_job_failed_is_tried_again_under_the_same_id(
    spoil: Spoil, store: Store
) -> None:
    payment = accept()
    Job.objects.update(state="FAILURE", error="Out of luck.", finished_at=timezone.now())
    overdue(payment)
    assert mending.submit_forgotten() == {"retried": 1}
    assert Job.objects.get().id == payment.task_id
    run_all_jobs()
    assert fresh(payment).status == Status.SETTLED


def test_a_payment_whose_job_was_cancelled_before_anything_was_sent_is_declined(
    store: Store,
) -> None:
    payment = accept()
    jobs.cancel_job(payment.task_id)
    overdue(payment)
    assert mending.submit_forgotten() == {"declined": 1}
    ended = fresh(payment)
    assert (ended.status, ended.reason) == (Status.DECLINED, mending.CANCELLED)
    jobs.retry_job(payment.task_id)
    run_all_jobs()
    assert fresh(payment).status == Status.DECLINED, "it was told so"
    assert store.counts()["requests"] == 0


def test_rounds_at_the_same_time_or_one_after_another_submit_one_job() -> None:
    payment = without_job()
    for _ in range(3):
        overdue(payment)
        mending.submit_forgotten()
    assert Job.objects.count() == 1


def test_a_round_takes_the_longest_due_first_and_leaves_the_rest_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mending, "MOST", 2)
    payments = [accept() for _ in range(5)]
    Job.objects.all().delete()
    for number, payment in enumerate(payments):
        change(payment, check_at=timezone.now() - timedelta(minutes=10 - number))
    for known in (2, 4, 5, 5):
        mending.submit_forgotten()
        ids = set(Job.objects.values_list("id", flat=True))
        assert ids == {payment.task_id for payment in payments[:known]}


def test_the_time_between_two_looks_doubles_up_to_an_hour() -> None:
    payment, waits = accept(), []
    for _ in range(9):
        overdue(payment)
        mending.submit_forgotten()
        waits.append((fresh(payment).check_at - timezone.now()).total_seconds())
    expected = [60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]
    assert waits == [pytest.approx(seconds, abs=5) for seconds in expected]


def test_a_look_that_another_round_took_is_not_taken_twice() -> None:
    overdue(accept())
    rounds = mending._taken_one_by_one(Status.ACCEPTED), mending._taken_one_by_one(Status.ACCEPTED)
    taken = [next(one, None) for one in rounds]
    assert len([payment for payment in taken if payment]) == 1


# --- hanging --------------------------------------------------------------------------------------
def hanging(spoil: Spoil, *, kind: str = "500-after-charging") -> Payment:
    """Charged by the gateway, whose answer was lost; its job is gone too."""
    spoil(kind, times=1)
    payment = accept()
    run_job(payment.task_id)
    Job.objects.filter(id=payment.task_id).update(state="FAILURE", finished_at=timezone.now())
    assert fresh(payment).status == Status.CHARGING
    return overdue(payment)


def test_a_payment_that_the_gateway_has_charged_is_settled_by_its_word(
    spoil: Spoil, store: Store
) -> None:
    payment = hanging(spoil)
    assert mending.settle_hanging() == {"ended": 1}
    ended = fresh(payment)
    assert (ended.status, ended.charge_id) == (Status.SETTLED, store.charges()[0]["id"])
    assert store.counts()["requests"] == 1, "a question is no request for a charge"
    assert mending.settle_hanging() == {}


def test_a_payment_that_the_gateway_has_declined_is_declined_by_its_word() -> None:
    payment = accept("7.13")
    moves.begin_charging(payment.pk)
    charging.ask(fresh(payment))
    overdue(payment)
    assert mending.settle_hanging() == {"ended": 1}
    assert fresh(payment).status == Status.DECLINED


def test_a_payment_that_the_gateway_does_not_know_is_charged_by_its_job(
    spoil: Spoil, store: Store
) -> None:
    payment = hanging(spoil, kind="500")
    assert mending.settle_hanging() == {"retried": 1}
    run_all_jobs()
    assert fresh(payment).status == Status.SETTLED
    counts = store.counts()
    assert (counts["requests"], counts["charges"]) == (2, 1)


def test_one_that_the_gateway_does_not_know_and_that_was_cancelled_is_charged_all_the_same() -> (
    None
):
    """Nobody knows whether a request is on its way; only the gateway's answer ends it."""
    payment = accept()
    moves.begin_charging(payment.pk)
    jobs.cancel_job(payment.task_id)
    overdue(payment)
    assert mending.settle_hanging() == {"retried": 1}
    run_all_jobs()
    assert fresh(payment).status == Status.SETTLED


def test_a_payment_whose_job_succeeded_without_ending_it_gets_another_job_under_the_old_key(
    store: Store,
) -> None:
    payment = accept()
    Job.objects.update(state="SUCCESS", finished_at=timezone.now())
    moves.begin_charging(payment.pk)
    for _ in range(2):
        overdue(payment)
        assert mending.settle_hanging() == {"submitted anew": 1}
    assert Job.objects.count() == 2
    run_all_jobs()
    assert fresh(payment).status == Status.SETTLED
    assert [charge["key"] for charge in store.charges()] == [payment.task_id]


def test_a_round_ends_with_the_first_time_that_nobody_answers(settings: Settings) -> None:
    settings.PAYMENTS_GATEWAY_URL = f"http://127.0.0.1:{reserve_port()}"
    for _ in range(3):
        without_job(Status.CHARGING)
    assert mending.settle_hanging() == {"unanswered": 1}
    assert Payment.objects.filter(checks=0).count() == 2, "the others wait for the next round"


def test_a_round_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "ROUND_SECONDS", 0.0)
    for _ in range(3):
        without_job(Status.CHARGING)
    assert mending.settle_hanging() == {"submitted": 1}


def test_a_question_that_is_refused_holds_up_no_other(spoil: Spoil) -> None:
    for _ in range(2):
        without_job(Status.CHARGING)
    spoil("401", method="GET", times=1)
    assert mending.settle_hanging() == {"refused": 1, "submitted": 1}


def test_what_has_ended_is_not_looked_at() -> None:
    for status in (Status.SETTLED, Status.DECLINED):
        payment = accept()
        change(payment, charge_id="ch_1")
        change(payment, status=status)
        overdue(payment)
    Job.objects.all().delete()
    assert mending.submit_forgotten() == {}
    assert mending.settle_hanging() == {}
    assert not Job.objects.exists()


def test_both_are_scheduled_each_minute() -> None:
    # Other tests may have emptied the tables since the migrations.
    import_module("celery_uncovered.tricks.migrations.0002_payment_schedules").create_schedules(
        apps, None
    )
    for task in (FORGOTTEN, HANGING):
        row = PeriodicTask.objects.get(task=task)
        assert (row.enabled, row.interval.every, row.interval.period) == (True, 1, "minutes")
        assert registered(task).apply().state == "SUCCESS"


def test_a_job_that_is_run_again_after_the_settlement_changes_nothing(store: Store) -> None:
    payment = accept()
    run_job(payment.task_id)
    before = fresh(payment)
    Job.objects.update(state="FAILURE")
    jobs.retry_job(payment.task_id)
    run_job(payment.task_id)
    assert state_of(payment.task_id) == "SUCCESS"
    after = fresh(payment)
    assert (after.charge_id, after.ended_at) == (before.charge_id, before.ended_at)
    assert store.counts()["requests"] == 1
