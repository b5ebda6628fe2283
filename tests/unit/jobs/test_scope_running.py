"""The scope around a task: there while it runs, and nothing of it afterwards, whatever happens."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone, translation

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.messages import wire_form
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.outbox import delivery_of
from celery_uncovered.jobs.scope import encode, within
from celery_uncovered.jobs.scope.adapters import Adapter
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import board as boards
from celery_uncovered.jobs.worker.batch import Entry, perform_batch
from celery_uncovered.jobs.worker.board import Board
from tests.support.app import scoped, tasks
from tests.unit.jobs.running import become_a_worker, run_all, state_of, value_of

SCOPE = {"tenant": "acme", "locale": "de"}
TOLD = SCOPE | {"language": "de"}
NOBODYS = {"language": "en-gb"}


def job_in(**values: Any) -> Any:
    return SimpleNamespace(scope=encode(values), obstacle=None)


def leave_traces() -> None:
    translation.activate("fr")
    jobs.scope.use(tenant="left behind").__enter__()


# --- one job after the other -----------------------------------------------------------------------
@pytest.mark.parametrize("first", [job_in(), job_in(**SCOPE)], ids=["nobody's", "somebody's"])
def test_nothing_is_left_of_what_a_job_set_or_left_active(first: Any) -> None:
    def work() -> None:
        leave_traces()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        within(first, work)
    assert scoped.tell() == NOBODYS
    assert within(job_in(tenant="next"), scoped.tell) == {"tenant": "next"} | NOBODYS
    assert within(job_in(), scoped.tell) == NOBODYS


class Interrupted(Adapter):
    """An adapter during whose setting back a soft time limit comes, once."""

    holds: Any = None
    is_to_come = False

    def capture(self) -> Any:
        return Interrupted.holds

    def apply(self, value: Any) -> None:
        if value is None and Interrupted.is_to_come:
            Interrupted.is_to_come = False
            raise SoftTimeLimitExceeded
        Interrupted.holds = value


@pytest.fixture
def interrupted(settings: Any) -> Iterator[None]:
    settings.JOBS_SCOPE = {"first": f"{__name__}.Interrupted", "tenant": None}
    Interrupted.is_to_come = True
    yield
    Interrupted.holds, Interrupted.is_to_come = None, False


@pytest.mark.usefixtures("interrupted")
def test_what_a_limit_kept_from_being_set_back_is_set_back_before_the_next_job() -> None:
    with pytest.raises(SoftTimeLimitExceeded):
        within(job_in(first=1, tenant="acme"), lambda: None)
    assert Interrupted.holds == 1
    assert within(job_in(), jobs.scope.current) == {}


def test_a_thread_starts_in_nobodys_scope_whatever_it_held() -> None:
    with jobs.scope.use(tenant="of the thread"):
        assert within(job_in(), scoped.tell) == NOBODYS


# --- in a worker ------------------------------------------------------------------------------------
@pytest.mark.usefixtures("ledger")
def test_a_task_that_fails_leaves_nothing_for_the_next() -> None:
    with jobs.scope.use(**SCOPE):
        scoped.leave_traces_and_fail.delay()
    bare = scoped.tell.delay().id
    assert run_all() == ["leave_traces_and_fail", "tell"]
    assert value_of(bare) == NOBODYS
    assert scoped.tell() == NOBODYS


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    become_a_worker()
    laid_out = Board(8)
    monkeypatch.setattr(boards, "_board", laid_out)
    return laid_out


def entry_of(task_id: str) -> Entry:
    """A job of a batch, as it comes over the wire."""
    delivery = delivery_of(Job.objects.get(id=task_id))
    headers, body = wire_form(delivery)
    return Entry(delivery.message.task, task_id, delivery.attempt, headers, body, None)


@pytest.mark.usefixtures("committed_ledger")
def test_each_job_of_a_batch_has_its_own(board: Board) -> None:
    with jobs.scope.use(**SCOPE):
        ids = [scoped.tell.delay().id, scoped.leave_traces_and_fail.delay().id]
    ids.append(scoped.leave_traces.delay().id)
    ids.append(scoped.tell.delay().id)
    with jobs.scope.use(tenant="other", locale="ja"):
        ids.append(scoped.tell.delay().id)
    perform_batch(board.take_slot(len(ids)), [entry_of(id_) for id_ in ids])
    assert [value_of(id_) for id_ in ids if state_of(id_) == State.SUCCESS] == [
        TOLD,
        NOBODYS,
        NOBODYS,
        {"tenant": "other", "locale": "ja", "language": "ja"},
    ]
    assert scoped.tell() == NOBODYS


@pytest.mark.usefixtures("ledger")
def test_a_scope_that_cannot_hold_fails_the_job_in_one_sentence() -> None:
    task_id = jobs.submit(scoped.tell, scope={"locale": "klingon", "tenant": "acme"})
    fine = scoped.tell.delay().id
    run_all()
    job = Job.objects.get(id=task_id)
    assert (job.state, job.error_type) == (State.FAILURE, "ScopeError")
    assert job.error == "Scope \"locale\" cannot be 'klingon': LookupError('klingon')."
    assert value_of(fine) == NOBODYS


@pytest.mark.usefixtures("ledger")
def test_a_name_that_is_declared_no_more_is_kept_shown_and_passed_on(settings: Any) -> None:
    with jobs.scope.use(**SCOPE):
        parent = scoped.submit_child.delay().id
        again = scoped.retry_once.delay().id
    settings.JOBS_SCOPE = {"locale": "celery_uncovered.jobs.scope.Locale"}
    run_all()
    child = value_of(parent)
    assert value_of(child) == TOLD
    assert state_of(again) == State.RETRY
    assert [jobs.job_status(id_).scope for id_ in (parent, child, again)] == [SCOPE] * 3


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("header", [SCOPE, encode(SCOPE)], ids=["table", "text"])
def test_the_header_of_a_foreign_message_counts_as_well(header: Any) -> None:
    """Other programs may send it as a table of AMQP."""
    again, told = scoped.retry_once.delay().id, scoped.tell.delay().id
    for job in Job.objects.all():
        envelope = json.loads(job.message)
        envelope["headers"]["scope"] = header
        Job.objects.filter(id=job.id).update(message=json.dumps(envelope))
    run_all()
    assert value_of(told) == TOLD
    assert state_of(again) == State.RETRY
    assert jobs.job_status(again).scope == SCOPE


@pytest.mark.usefixtures("ledger", "eager")
def test_an_eager_task_runs_in_the_scope_of_its_caller_and_of_its_call() -> None:
    with jobs.scope.use(**SCOPE):
        assert scoped.tell.delay().get() == TOLD
        tell: Any = scoped.tell
        told = tell.apply_async(scope={"locale": "fr", "tenant": None})
        assert told.get() == {"locale": "fr", "language": "fr"}
        assert scoped.tell() == TOLD
    assert scoped.tell.delay().get() == NOBODYS


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: Any = tasks.add.app.conf.changes
    monkeypatch.setitem(changes, "task_always_eager", value=True)


# --- Django's own -----------------------------------------------------------------------------------
@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("zone", "value"),
    [
        ("Europe/Zurich", "Europe/Zurich"),
        (timezone.get_fixed_timezone(330), 330),
        (timezone.get_fixed_timezone(-90), -90),
    ],
    ids=str,
)
def test_the_active_time_zone_goes_along(settings: Any, zone: Any, value: Any) -> None:
    settings.JOBS_SCOPE = {"time_zone": "celery_uncovered.jobs.scope.TimeZone"}
    with timezone.override(zone):
        task_id = scoped.tell.delay().id
        expected = timezone.localtime().utcoffset()
    assert jobs.job_status(task_id).scope == {"time_zone": value}
    offset = within(job_in(time_zone=value), lambda: timezone.localtime().utcoffset())
    assert offset == expected
    assert timezone.get_current_timezone_name() == "UTC"
